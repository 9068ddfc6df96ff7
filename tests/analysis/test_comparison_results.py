"""Whole tables compared: which trials and metrics are paired, what is missing, what counts as equal."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest

from ganbench.analysis.comparison_identity import fingerprints
from ganbench.analysis.comparison_pairs import pairs, trial_key
from ganbench.analysis.comparison_results import arms_of, compare_results
from ganbench.analysis.comparison_rows import Outcome
from ganbench.analysis.comparison_rules import Rules
from ganbench.check.verdict import headline
from ganbench.core import registry
from ganbench.core.errors import IncomparableError, UsageError
from ganbench.core.registry import find
from ganbench.metrics import Metric
from ganbench.tables.results import load
from tests.helpers.made_tables import made_run, made_tables, seeded
from tests.helpers.trials import choose


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
