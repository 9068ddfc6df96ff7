"""What a comparison says of each metric, and how often it is wrong."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.analysis.comparison import compare, scores
from ganbench.analysis.comparison_identity import fingerprints
from ganbench.analysis.comparison_pairs import pairs, trial_key
from ganbench.analysis.comparison_results import arms_of, compare_results
from ganbench.analysis.comparison_rows import Arms, Outcome
from ganbench.analysis.comparison_rules import Limit, Rules, read_limits
from ganbench.analysis.statistics import hedges_g, probability_above
from ganbench.check.verdict import headline
from ganbench.core import registry
from ganbench.core.column import Direction
from ganbench.core.errors import IncomparableError, UsageError
from ganbench.core.registry import find
from ganbench.metrics import Metric
from ganbench.tables.results import load
from tests.helpers.made_tables import made_run, made_tables, seeded
from tests.helpers.trials import choose

# 64 seeds of real runs (make_real_seeds.py), halfway (modes 6.7, SD 1.6) and later (modes 7.8, SD 0.5). Two disjoint
# draws from one of the two differ by chance alone.
REAL = pd.read_csv(Path(__file__).with_name("real_seeds.csv"))
HALFWAY, LATER = (part for _, part in REAL.groupby("steps"))
METRICS: dict[str, Direction] = {
    "modes_captured": "higher",
    "hq_fraction": "higher",
    "mode_kl": "lower",
    "fid": "lower",
}


def arms(baseline, now, direction: Direction = "higher", metric="score", **more) -> Arms:
    base, new = scores(baseline, now, direction)
    return Arms("t", "a trial", metric, direction=direction, baseline=base, now=new, **more)


def outcome(baseline, now, direction: Direction = "higher", **rules):
    return compare([arms(baseline, now, direction)], Rules(**rules))[0]


def drawn(rng, n, metric, drop=0.0, table=HALFWAY):
    """Return a comparison of two disjoint draws of n real seeds, the second worse by `drop`."""
    values = table[metric].to_numpy()[rng.permutation(len(table))[: 2 * n]]
    sign = 1 if METRICS[metric] == "higher" else -1
    return arms(values[:n], np.maximum(values[n:] - sign * drop, 0.0), METRICS[metric], metric)


# How often it is wrong


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("n", "times", "most"), [(5, 150, 18), (16, 24, 6), pytest.param(16, 150, 18, marks=pytest.mark.verify)]
)
def test_false_alarms_are_as_rare_as_stated(metric, n, times, most):
    # Comparisons where nothing differs at alpha .05: 7.5 of 150 and 1.2 of 24 are expected at most. For each of the
    # eight, more than 18 of 150 have chance 2e-4 where the rate is exactly alpha, more than 6 of 24 chance 1e-4.
    rng = np.random.default_rng(7)
    rows = [compare([drawn(rng, n, metric)], Rules(alpha=0.05))[0] for _ in range(times)]
    counts = Counter(row.outcome for row in rows)
    assert counts[Outcome.WORSE] <= most
    assert counts[Outcome.BETTER] <= most
    assert counts[Outcome.UNDERPOWERED] == counts[Outcome.MISSING] == 0


def test_false_alarms_of_a_suite_of_fifty_trials():
    # 100 suites of 50 null comparisons at alpha .05 for all of a suite: Holm lets 5 raise an alarm at most; 15 or
    # more of 100 have chance 1.4e-4. Without Holm about 85 would.
    rng = np.random.default_rng(11)
    alarms = alone = 0
    for _ in range(100):
        rows = compare([drawn(rng, 10, "modes_captured") for _ in range(50)], Rules(alpha=0.05))
        alarms += any(row.outcome == Outcome.WORSE for row in rows)
        alone += any(row.p_single < 0.05 for row in rows)
    assert alarms <= 14
    assert alone >= 60  # the comparisons do vary


def test_a_lost_mode_is_found_where_the_spread_allows_it():
    # 16 real seeds an arm, one mode less in each now, alpha .01: SD .5 makes it about two standard deviations, and
    # the power .99; a power of .95 would give fewer than 90 of 100 with chance .01, the true one never.
    rng = np.random.default_rng(3)
    rows = [compare([drawn(rng, 16, "modes_captured", 1.0, LATER)], Rules(alpha=0.01))[0] for _ in range(100)]
    assert sum(row.outcome == Outcome.WORSE for row in rows) >= 90


def test_a_lost_mode_is_no_pass_where_the_spread_hides_it():
    # At SD 1.6 sixteen seeds find one lost mode in a quarter of the draws at most. With a margin of one mode the rest
    # is undecided, and does not pass: a false pass has chance .01, so that 6 or more of 100 have chance 5e-4.
    rng = np.random.default_rng(5)
    rules = Rules(alpha=0.01, margins={"*": Limit(absolute=1.0)})
    counts = Counter(compare([drawn(rng, 16, "modes_captured", 1.0)], rules)[0].outcome for _ in range(100))
    assert counts[Outcome.EQUIVALENT] + counts[Outcome.BETTER] <= 5
    assert counts[Outcome.UNDECIDED] > 30


def test_a_margin_is_shown_where_there_are_enough_seeds():
    values = np.random.default_rng(9).permutation(HALFWAY["hq_fraction"].to_numpy())
    rules = Rules(alpha=0.01, margins={"score": Limit(relative=0.4)})
    enough = compare([arms(values[:32], values[32:], low=0.0, high=1.0)], rules)[0]
    assert enough.outcome == Outcome.EQUIVALENT and enough.bound < enough.margin
    few = compare([arms(values[:5], values[:5] - 0.06, low=0.0, high=1.0)], rules)[0]
    assert few.outcome == Outcome.UNDECIDED and few.bound > few.margin
    assert "not ruled out" in few.reason


def test_a_side_without_spread_proves_nothing_by_itself():
    # Half of eight runs may fail yet, of which eight good ones are a plausible sample.
    eight = np.full(8, 8.0)
    row = compare([arms(eight, eight, low=0.0, high=8.0)], Rules(margins={"*": Limit(1.0)}))[0]
    assert row.outcome == Outcome.UNDECIDED and row.bound == pytest.approx(8 * 0.489)
    many = compare([arms(np.full(48, 8.0), np.full(48, 8.0), low=0.0, high=8.0)], Rules(margins={"*": Limit(1.0)}))[0]
    assert many.outcome == Outcome.EQUIVALENT


def test_without_a_worst_value_no_loss_is_ruled_out():
    values = np.linspace(1.0, 1.1, 40)
    row = compare([arms(values, values, "lower", low=0.0)], Rules(margins={"*": Limit(1.0)}))[0]
    assert row.outcome == Outcome.UNDECIDED and math.isnan(row.bound) and "--worst score=NUMBER" in row.reason
    capped = compare([arms(values, values, "lower", low=0.0, high=5.0)], Rules(margins={"*": Limit(1.0)}))[0]
    assert capped.outcome == Outcome.EQUIVALENT


def test_a_great_effect_without_proof_is_said_and_not_called_the_same():
    # Modes hit 0.75 → 5.38 among 24 tests: g 2.4 the wrong way round, but p does not reach alpha / 24.
    base = [5.38] * 3 + [6.0, 5.0, 8.0, 2.0, 5.9]
    now = [0.0, 8.0, 0.0, 0.0, 0.0, 8.0, 0.0, 0.0]
    others = [arms(x[:8], x[8:]) for x in np.random.default_rng(0).normal(size=(23, 16))]
    row = compare([arms(base, now, low=0.0, high=8.0), *others], Rules())[0]
    assert row.outcome == Outcome.UNDECIDED and row.effect < -0.9 and row.bound > 5


def test_any_newly_diverged_run_is_worse_and_the_reason_says_what_a_test_would_need():
    counted = {"direction": "lower", "metric": "diverged", "low": 0.0, "high": 1.0, "counted": True}
    row = compare([arms([0.0] * 8, [1.0] * 4 + [0.0] * 4, **counted)], Rules())[0]
    assert row.outcome == Outcome.WORSE
    # Fisher's exact test of k of 8 against 0 of 8 is below .01 from k = 6 on: C(8,6)/C(16,6) = 28/8008.
    assert "4 of 8 runs, 0 of 8" in row.reason and "need 6 of 8" in row.reason
    same = compare([arms([1.0] + [0.0] * 7, [0.0] * 7 + [1.0], **counted)], Rules())[0]
    assert same.outcome == Outcome.UNDECIDED
    loose = Rules(tolerances={"diverged": Limit(0.5)})
    assert compare([arms([0.0] * 8, [1.0] * 4 + [0.0] * 4, **counted)], loose)[0].outcome == Outcome.UNDECIDED


def test_seeds_on_both_sides_are_tested_in_pairs_where_there_are_enough():
    rng = np.random.default_rng(5)
    base = rng.normal(size=16)
    now = base - 0.5 + 0.1 * rng.normal(size=16)
    row = compare([arms(base, now, paired=True)], Rules())[0]
    assert (row.outcome, row.test) == (Outcome.WORSE, "in pairs")
    assert compare([arms(base, now)], Rules())[0].outcome == Outcome.UNDECIDED
    few = compare([arms(base[:6], now[:6], paired=True)], Rules())[0]  # 2^-6 is above .01
    assert few.test == "independent, shared seeds"


def test_values_at_the_end_of_float64_have_means():
    row = compare([arms([1e308] * 8, [1.7e308] * 7 + [1e308], "lower")], Rules())[0]
    assert row.outcome == Outcome.WORSE and math.isfinite(row.baseline) and math.isfinite(row.now)
    assert row.now == pytest.approx(1.6125e308) and math.isfinite(row.effect)


# What it says


def test_directions():
    low, high = [1.0, 2, 3, 4, 5, 6], [11.0, 12, 13, 14, 15, 16]
    assert outcome(high, low, "higher").outcome == Outcome.WORSE
    assert outcome(low, high, "higher").outcome == Outcome.BETTER
    assert outcome(high, low, "lower").outcome == Outcome.BETTER
    assert outcome(low, high, "lower").outcome == Outcome.WORSE


@pytest.mark.parametrize("middle", [-7.0, 0.0, 7.0])
def test_negative_and_zero_baselines(middle):
    # The unbiased KID is around 0 for good samples and may be negative: lower stays better.
    base = middle + np.linspace(-0.1, 0.1, 8)
    assert outcome(base, base + 1, "lower").outcome == Outcome.WORSE
    assert outcome(base, base - 1, "lower").outcome == Outcome.BETTER
    row = outcome(base, base + 1, "lower", tolerances={"*": Limit(relative=0.2)})
    assert row.outcome == (Outcome.WORSE if abs(middle) < 5 else Outcome.UNDECIDED)
    assert row.tolerance == pytest.approx(0.2 * abs(middle))
    assert outcome(base, base + 1, "lower", tolerances={"*": Limit(absolute=2)}).outcome == Outcome.UNDECIDED


def test_three_seeds_cannot_tell():
    # 3 + 3 runs: the smallest p is 1/20, whatever happens.
    row = outcome([8.0, 8, 8], [0.0, 0, 0], alpha=0.05)
    assert row.outcome == Outcome.UNDERPOWERED
    assert row.smallest == pytest.approx(0.05)
    assert outcome([8.0] * 5, [0.0] * 5).outcome == Outcome.WORSE  # 1/252
    many = compare([arms([8.1, 7.2, 7.8, 6.3, 5.2], [8.0, 4.1, 5.3, 7.9, 7.0]) for _ in range(3)], Rules(alpha=0.01))
    assert {row.outcome for row in many} == {Outcome.UNDERPOWERED}  # 3/252


def test_equal_runs_need_no_test_and_take_no_share_of_alpha():
    equal = [arms([8.0, 7], [8.0, 7], identical=True) for _ in range(100)]
    rows = compare([*equal, arms([8.0] * 6, [1.0, 2, 3, 4, 5, 6])], Rules(alpha=0.01))
    assert {row.outcome for row in rows[:100]} == {Outcome.IDENTICAL}
    assert rows[0].reason == "equal to the last bit"
    assert rows[100].outcome == Outcome.WORSE
    assert rows[100].p_worse < 0.01


def test_runs_without_a_value_count_as_the_worst_of_both_sides():
    base, now = scores([3.0, 4.0], [np.nan, 5.0, np.inf], "higher")
    assert now.tolist() == [0.0, 5.0, 0.0]
    base, now = scores([3.0, -4.0], [np.nan, 5.0], "higher")
    assert now.tolist() == [-4.0, 5.0]
    base, now = scores([3.0, np.nan], [9.0, np.nan], "lower")
    assert (base.tolist(), now.tolist()) == ([3.0, 9.0], [9.0, 9.0])
    base, now = scores([np.nan] * 2, [np.nan] * 3, "lower")
    assert (base.tolist(), now.tolist()) == ([0.0] * 2, [0.0] * 3)


def test_many_seeds_are_tested_by_draws_that_reach_small_p():
    rng = np.random.default_rng(0)
    base, now = rng.normal(size=40), rng.normal(size=40) - 3
    row = outcome(base, now)
    assert row.outcome == Outcome.WORSE
    assert row.smallest == row.p_worse == pytest.approx(1e-5)  # 1 of 100,000: no draw comes near
    assert outcome(base, now + 3).outcome == Outcome.UNDECIDED


# Effects, each against a loop or a closed form


values = st.lists(st.integers(-5, 5).map(float), min_size=2, max_size=6)


@given(values, values)
def test_probability_above_counts_pairs(x, y):
    pairs = [1.0 if a > b else 0.5 if a == b else 0.0 for a, b in itertools.product(x, y)]
    assert probability_above(x, y) == pytest.approx(sum(pairs) / len(pairs))
    assert probability_above(x, y) + probability_above(y, x) == pytest.approx(1)


def test_hedges_g():
    # ν = 4, s = 1, J = 1 − 3/15.
    assert hedges_g([3.0, 4, 5], [1.0, 2, 3]) == pytest.approx(2 * 0.8)
    assert np.isnan(hedges_g([1.0], [1.0, 2.0]))
    assert np.isnan(hedges_g([1.0, 1.0], [2.0, 2.0]))


# Rules


def test_limits_are_read():
    limits = read_limits(["modes_captured=0.5", "fid=10%", "fid=.01", "*=5%"])
    assert limits == {"modes_captured": Limit(0.5), "fid": Limit(0.01, 0.1), "*": Limit(0, 0.05)}
    assert limits["fid"].at(-2) == pytest.approx(0.2)
    assert limits["fid"].at(0) == 0.01
    rules = Rules(tolerances=limits)
    assert rules.tolerance("kid") == Limit(0, 0.05)
    assert rules.margin("kid") is None


@pytest.mark.parametrize("text", ["", "fid", "fid=", "=1", "fid=-1", "fid=nan", "fid=inf", "fid=1%%", "fid=a"])
def test_wrong_limits_are_refused(text):
    with pytest.raises(UsageError, match="METRIC=NUMBER"):
        read_limits([text])


@pytest.mark.parametrize("alpha", [0.0, -1.0, 0.6, float("nan")])
def test_a_wrong_alpha_is_refused(alpha):
    with pytest.raises(UsageError, match="alpha"):
        Rules(alpha=alpha)


# Tables


def results(tmp_path, name="a", trial=None, change=None, **metrics):
    """Return the loaded results of one made trial."""
    trial = trial or seeded(len(next(iter(metrics.values()))))
    made = made_tables(trial, **metrics)
    if change:
        made = dataclasses.replace(made, runs=change(made.runs))
    return load(made_run(tmp_path / name, {trial: made}))


def made(folder, *trials):
    return load(made_run(folder, {trial: made_tables(trial, **GOOD) for trial in trials}))


def by_metric(comparison):
    return {row.metric: row for row in comparison.rows}


GOOD = {"modes_captured": [8.0, 7, 8, 8, 7, 8], "fid": [0.1, 0.2, 0.1, 0.3, 0.2, 0.1], "spread_ratio": [1.0] * 6}
BAD = {"modes_captured": [1.0, 2, 1, 1, 2, 3], "fid": [0.1, 0.2, 0.1, 0.3, 0.2, 0.15], "spread_ratio": [2.0] * 6}


def test_tables_are_compared_metric_by_metric(tmp_path):
    rows = by_metric(compare_results(results(tmp_path, "a", **GOOD), results(tmp_path, "b", **BAD), Rules(alpha=0.05)))
    assert list(rows) == ["modes_captured", "fid", "diverged"]  # spread_ratio has no direction
    assert [row.outcome for row in rows.values()] == [Outcome.WORSE, Outcome.UNDECIDED, Outcome.UNDECIDED]
    row = rows["modes_captured"]
    assert (row.baseline, row.now) == (pytest.approx(46 / 6), pytest.approx(10 / 6))
    assert row.improvement == 0
    assert row.effect < -5


def test_equal_tables_are_known_as_equal(tmp_path):
    def slower(runs):
        return runs.assign(ms_per_step=9.0, seconds=99.0)

    a, b = results(tmp_path, "a", **GOOD), results(tmp_path, "b", change=slower, **GOOD)
    assert fingerprints(a) == fingerprints(b)
    assert compare_results(a, b, Rules()).identical

    def nudged(runs):
        return runs.assign(fid=np.nextafter(runs["fid"], 1))

    c = results(tmp_path, "c", change=nudged, **GOOD)
    assert not compare_results(a, c, Rules()).identical
    columns = {**a.columns, "environment": dataclasses.replace(a.columns["fid"], name="environment", timing=True)}
    compiled, eager = (
        dataclasses.replace(a, columns=columns, runs=a.runs.assign(environment=f'{{"compiled": {said}}}'))
        for said in ("true", "false")
    )
    assert not compare_results(a, compiled, Rules()).identical and compare_results(a, eager, Rules()).identical
    curve = dataclasses.replace(a, history=a.history.assign(loss_g=a.history["loss_g"] + 1e-16 + 1e-15))
    assert not compare_results(a, curve, Rules()).identical


def test_divergence_counts_in_every_metric(tmp_path):
    lost = {name: [np.nan] * 5 + values[5:] for name, values in GOOD.items()}
    rows = by_metric(compare_results(results(tmp_path, "a", **GOOD), results(tmp_path, "b", **lost), Rules(alpha=0.1)))
    assert rows["diverged"].outcome == Outcome.WORSE
    assert rows["modes_captured"].outcome == Outcome.WORSE
    back = by_metric(compare_results(results(tmp_path, "b", **lost), results(tmp_path, "a", **GOOD), Rules(alpha=0.1)))
    assert back["modes_captured"].outcome == back["diverged"].outcome == Outcome.BETTER


def test_a_baseline_that_always_diverged(tmp_path):
    lost = {name: [np.nan] * 6 for name in GOOD}
    a = results(tmp_path, "a", **lost)
    again = dataclasses.replace(a, history=a.history.assign(loss_g=1.0))
    rows = by_metric(compare_results(a, again, Rules()))
    assert {row.outcome for row in rows.values()} == {Outcome.UNDECIDED}
    assert math.isnan(rows["fid"].baseline) and math.isnan(rows["fid"].now)  # and no perfect 0
    assert rows["diverged"].now == 1.0
    rows = by_metric(compare_results(a, results(tmp_path, "b", **GOOD), Rules(alpha=0.05)))
    assert rows["modes_captured"].outcome == Outcome.BETTER


def test_nan_without_divergence_never_passes(tmp_path):
    broken = {**GOOD, "fid": [0.1, 0.2, np.nan, 0.3, 0.2, 0.1]}
    a, b = results(tmp_path, "a", **GOOD), results(tmp_path, "b", **broken)
    row = by_metric(compare_results(a, b, Rules()))["fid"]
    assert row.outcome == Outcome.MISSING
    assert "not a number in 1 of 6 runs" in row.reason
    nothing = {**GOOD, "fid": [np.nan] * 6}
    c = results(tmp_path, "c", **nothing)
    assert by_metric(compare_results(a, c, Rules()))["fid"].outcome == Outcome.MISSING
    assert by_metric(compare_results(c, a, Rules()))["fid"].reason == "the baseline has no value"


def test_nan_on_both_sides_is_said_and_never_called_equal_as_a_whole(tmp_path):
    broken = {**GOOD, "fid": [0.1, 0.2, np.nan, 0.3, 0.2, 0.1]}
    a, b = results(tmp_path, "a", **broken), results(tmp_path, "b", **broken)
    comparison = compare_results(a, b, Rules())
    row = by_metric(comparison)["fid"]
    assert row.outcome == Outcome.IDENTICAL and "1 of 6 runs in the baseline and 1 of 6 now have no value" in row.reason
    assert "1 of them have runs without a value on both sides" in headline(comparison)
    nothing = {**GOOD, "fid": [np.nan] * 6}
    c, d = results(tmp_path, "c", **nothing), results(tmp_path, "d", **nothing)
    assert by_metric(compare_results(c, d, Rules()))["fid"].outcome == Outcome.MISSING
    more = {**GOOD, "fid": [0.1, np.nan, np.nan, np.nan, np.nan, 0.1]}
    e = results(tmp_path, "e", **more)
    assert by_metric(compare_results(a, e, Rules()))["fid"].outcome == Outcome.MISSING


def test_a_missing_metric_never_passes(tmp_path):
    less = {name: values for name, values in GOOD.items() if name != "fid"}
    a, b = results(tmp_path, "a", **GOOD), results(tmp_path, "b", **less)
    row = by_metric(compare_results(a, b, Rules()))["fid"]
    assert (row.outcome, row.reason) == (Outcome.MISSING, "the metric is missing")
    assert "fid" not in by_metric(compare_results(b, a, Rules()))  # a new one has nothing to be held against


def test_missing_trials_and_seeds_never_pass(tmp_path):
    one, two = seeded(6), seeded(6, steps=40)
    both = load(made_run(tmp_path / "a", {t: made_tables(t, **GOOD) for t in (one, two)}))
    alone = load(made_run(tmp_path / "b", {one: made_tables(one, **GOOD)}))
    comparison = compare_results(both, alone, Rules())
    assert [row.reason for row in comparison.having(Outcome.MISSING)] == ["the trial is missing"]
    assert len(comparison.incomplete) == 1
    assert len(compare_results(alone, both, Rules()).new) == 1
    fewer = dataclasses.replace(alone, runs=alone.runs.iloc[:4])
    assert compare_results(alone, fewer, Rules()).rows[0].reason == "2 of 6 runs are missing"
    failed = dataclasses.replace(alone, runs=alone.runs.assign(status="FAILED", error="boom"))
    assert compare_results(alone, failed, Rules()).rows[0].reason == "FAILED: boom"


def test_trials_are_paired_by_their_axes_where_the_keys_changed(tmp_path):
    a = results(tmp_path, "a", seeded(6), **GOOD)
    b = results(tmp_path, "b", seeded(6, samples=300), **GOOD)
    other = results(tmp_path, "c", seeded(6, loss=("hinge", {})), **GOOD)
    assert not compare_results(a, b, Rules()).incomplete
    assert not compare_results(a, other, Rules()).incomplete  # one trial each
    r1, r2 = ((choose("trick", name),) for name in ("r1", "r2"))
    two = made(tmp_path / "d", seeded(6, loss=("hinge", {})), seeded(6, loss=("minimax", {})))
    with pytest.raises(IncomparableError, match="no trial is in both"):
        compare_results(a, two, Rules())
    # Every trial with a trick is held against the same one without it.
    tricky = made(tmp_path / "e", *(seeded(6, tricks=r1, loss=(name, {})) for name in ("minimax", "hinge")))
    found = compare_results(two, tricky, Rules())
    assert not found.incomplete and not found.new
    names = {row.name.split(" · ", 2)[2] for row in found.rows}
    assert {name.split(" · adam")[0] for name in names} == {"hinge · none → r1", "minimax · none → r1"}
    half = made(tmp_path / "f", seeded(6, loss=("hinge", {})), seeded(6, tricks=r2, loss=("hinge", {})))
    with pytest.raises(IncomparableError, match="no trial is in both"):  # two trials for one
        compare_results(half, made(tmp_path / "g", seeded(6, tricks=r1, loss=("hinge", {}))), Rules())


@pytest.mark.parametrize("column, value", [("extractor", "other"), ("n_fake", 7), ("n_real", 7)])
def test_another_evaluation_is_incomparable(tmp_path, column, value):
    a = results(tmp_path, "a", **GOOD)
    b = results(tmp_path, "b", change=lambda runs: runs.assign(**{column: value}), **GOOD)
    with pytest.raises(IncomparableError, match=f"{column} is {value} now"):
        compare_results(a, b, Rules())


def test_rules_for_unknown_metrics_are_refused(tmp_path):
    a = results(tmp_path, "a", **GOOD)
    with pytest.raises(UsageError, match="did you mean 'fid'"):
        compare_results(a, a, Rules(metrics=("fidd",)))
    assert [row.metric for row in compare_results(a, a, Rules(metrics=("fi*",))).rows] == ["fid"]


def test_no_run_can_have_more_modes_than_its_data(tmp_path):
    def of_25(runs):
        return runs.assign(known_modes=25.0)

    a, b = results(tmp_path, "a", change=of_25, **GOOD), results(tmp_path, "b", change=of_25, **BAD)
    arm = next(arm for arm in arms_of(a, b, Rules()).arms if arm.metric == "modes_captured")
    assert (arm.low, arm.high) == (0.0, 25.0)


def test_a_metric_of_a_package_that_is_not_installed_keeps_its_range(tmp_path):
    values = [3.0, 4, 3, 4, 4, 3, 4, 4]
    a, b = (results(tmp_path, name, likeness=values) for name in "ab")
    assert "likeness" not in {
        column.name for one in registry.components("metric") for column in find(Metric, one).columns
    }

    def ends(base, now):
        return next((arm.low, arm.high) for arm in arms_of(base, now, Rules()).arms if arm.metric == "likeness")

    def declaring(run, **ends):
        column = dataclasses.replace(run.columns["likeness"], **ends)
        return dataclasses.replace(run, columns={**run.columns, "likeness": column})

    assert ends(a, b) == (0.0, 4.0)
    unknown = {"low": -math.inf, "high": math.inf}
    assert ends(declaring(a, **unknown), b) == ends(a, declaring(b, **unknown)) == (0.0, 4.0)
    assert ends(declaring(a, **unknown), declaring(b, **unknown)) == (-math.inf, math.inf)
    assert ends(declaring(a, low=-1.0), declaring(b, high=9.0)) == (-1.0, 9.0)


def of_settings(tmp_path, name, settings, seeds, shift=0.0, **columns):
    """Return results whose runs are of these settings and seeds."""
    made = results(tmp_path, name, **GOOD)
    changed = {"setting": settings, "seed": seeds, "fid": made.runs["fid"] + shift, **columns}
    return dataclasses.replace(made, runs=made.runs.assign(**changed))


def test_runs_of_a_setting_are_paired_with_its_own(tmp_path):
    a = of_settings(tmp_path, "a", [0, 0, 1, 1, 2, 2], [0, 1] * 3)
    b = of_settings(tmp_path, "b", [2, 1, 0, 0, 1, 2], [0, 1, 0, 1, 0, 1], shift=0.5)
    arm = next(arm for arm in arms_of(a, b, Rules()).arms if arm.metric == "fid")
    assert arm.paired
    order = [2, 3, 4, 1, 0, 5]  # where b has a's runs, by setting and seed
    assert np.allclose(arm.now, np.asarray(GOOD["fid"])[order] + 0.5)
    other = of_settings(tmp_path, "c", [0, 0, 1, 1, 2, 3], [0, 1] * 3)
    with_other = arms_of(a, other, Rules())
    assert with_other.arms[0].missing == "1 of 6 runs are missing"


def test_a_methods_best_setting_is_held_against_its_best_setting(tmp_path):
    def best(name, setting, trial):
        run = of_settings(tmp_path, name, [setting] * 6, range(6), stage="confirm", method="hinge · r1")
        return dataclasses.replace(run, runs=run.runs.assign(trial=trial))

    a, b = best("a", 3, "one"), best("b", 5, "another")
    swept = results(tmp_path, "swept", **GOOD).runs.assign(stage="vary", method="hinge · r1")
    sides = [pd.concat([swept, side.runs], ignore_index=True) for side in (a, b)]
    paired, extra = pairs(*sides)
    assert not extra
    assert [None if now is None else (trial_key(base), trial_key(now)) for base, now in paired] == [
        (trial_key(swept), trial_key(swept)),
        ("one", "another"),
    ]
