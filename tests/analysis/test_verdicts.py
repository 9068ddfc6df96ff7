"""Every rule on made-up tables (`verdict_cases`), and what a verdict says of itself."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from ganbench.analysis.verdict_rules import RULES, THRESHOLDS, WORDS, Rule
from ganbench.analysis.verdict_statistics import _late_start, in_order, statistics
from ganbench.analysis.verdicts import verdict_of, verdict_shares, verdicts
from ganbench.tables.results import Results
from tests.analysis.verdict_cases import CASES, LATE, NARROW, NEAR
from tests.analysis.verdict_runs import CIRCLE, STEPS, TIME, N, circle, judge, results, run
from tests.helpers.stand_in import stand_in


@pytest.mark.parametrize("case", NEAR)
def test_every_condition_counts(case):
    changes, verdict = NEAR[case]
    found = judge(**changes)
    assert found.verdict == verdict, found.evidence


@pytest.mark.parametrize("case", CASES)
def test_every_rule(case):
    changes, verdict, cause = CASES[case]
    found = judge(**changes)
    assert (found.verdict, found.cause) == (verdict, cause), found.evidence
    assert found.evidence
    assert found.remedy


def test_every_rule_has_a_case():
    covered = {(verdict, cause) for _, verdict, cause in CASES.values()}
    assert {(rule.verdict, rule.cause) for rule in RULES} <= covered


def test_every_threshold_is_used_and_has_a_source():
    assert {c.threshold for rule in RULES for c in rule.conditions} == set(THRESHOLDS)
    assert all(threshold.source for threshold in THRESHOLDS.values())


def test_there_are_words_for_every_feature_of_the_rules():
    assert {condition.statistic for rule in RULES for condition in rule.conditions} == set(WORDS)


def test_the_evidence_says_what_since_when_against_which_limit():
    found = judge(grad_push_g=LATE, critic_rise=np.where(STEPS >= 500, 1e-4, 0.5), hq_fraction=0.1)
    assert (found.column, found.from_step, found.value, found.threshold) == ("critic_rise", 500, 1e-4, 5e-3)
    words = (
        "the discriminator's logit rises by 0.0001 from generated to real samples "
        "(critic_rise, limit 0.005), since step 500"
    )
    assert found.evidence == words
    assert judge(status="DIVERGED").from_step == 77
    assert judge(**circle(0.2), modes_captured=5.0).from_step == STEPS[N // 2]


def test_the_other_verdicts_that_hold_are_secondary_and_once_each():
    found = judge(grad_push_g=2e4, grad_push_d=2e4, **circle(1.0), total_spread=NARROW, modes_captured=1.0)
    assert found.verdict == "exploding gradient"
    assert found.secondary == "mode hopping, oscillation, partial collapse"


def test_one_bad_value_is_no_verdict():
    for column, value in (("grad_norm_g", 1e5), ("total_spread", 0.0), ("modes_captured", 0.0)):
        healthy = {"grad_norm_g": 0.5, "total_spread": 1.0, "modes_captured": 8.0}[column]
        assert judge(**{column: np.where(STEPS == STEPS[-3], value, healthy)}).verdict == "healthy"


def test_columns_that_are_missing_take_their_verdicts_away_and_no_others():
    bare = {name: None for name in ("loss_slope_share", "critic_rise", "overfit_ratio", "auc_gap", "d_advantage")}
    assert judge(**bare).verdict == "healthy"
    assert judge(**bare, grad_push_g=LATE, hq_fraction=0.1).verdict == "vanishing gradient"
    unclear = judge(modes_captured=None)
    assert unclear.verdict == "unclear"
    assert unclear.evidence == (
        "it is not known how good and how varied samples are: evaluations are fewer than 8, or columns are missing"
    )
    row, history = run()
    assert judge((row, history.iloc[:7])).verdict == "unclear"


def test_movement_against_slow_sums():
    rng = np.random.default_rng(0)
    walk = rng.normal(size=(2, N)).cumsum(1)
    row, history = run(position_1=walk[0], position_2=walk[1])
    found = {name: statistic.value for name, statistic in statistics(row, in_order(history)).items()}
    late = walk[:, N // 2 :]
    rest = [axis - np.polyval(np.polyfit(np.arange(N // 2), axis, 1), np.arange(N // 2)) for axis in late]
    assert found["oscillation"] == pytest.approx(np.sqrt(sum(axis.var() for axis in rest)))
    moves = [np.hypot(*(late[:, i] - late[:, i - 1])) for i in range(1, N // 2)]
    assert found["move"] == pytest.approx(np.median(moves))
    assert found["net_path"] == pytest.approx(np.hypot(*(late[:, -1] - late[:, 0])) / sum(moves))


def test_movement_where_evaluations_lie_ever_further_apart():
    """A monitor's looks: 48 in the first half of the steps, where the samples swing, and 32 in the second half."""
    row, history = run()
    steps = np.unique((2000 * 1.022 ** (np.arange(N) - N + 1)).round())
    assert len(steps) == N and 30 <= (steps > 1000).sum() <= 34
    swinging = history.assign(step=steps, position_1=np.where(steps <= 1000, np.cos(CIRCLE), 0.01 * np.cos(CIRCLE)))
    assert judge((row, swinging)).verdict == "healthy"
    lasting = history.assign(step=steps, position_1=np.where(steps <= 1000, 0.01, 1.0) * np.cos(CIRCLE))
    assert judge((row, lasting)).verdict == "oscillation"


def test_a_single_late_evaluation_does_not_decide_what_moves():
    row, history = run(position_1=0.5 * np.cos(CIRCLE))
    assert judge((row, history.assign(step=[*range(1, N), 10**6]))).verdict == "oscillation"


@pytest.mark.parametrize("last", [4000, 4013])
@pytest.mark.parametrize("count", [8, 9, 80])
def test_evaluations_at_even_steps_are_cut_in_the_middle(count, last):
    steps = np.array([*(50.0 * np.arange(1, count)), 50.0 * count + last - 4000])
    assert _late_start(steps) == count // 2


def test_shares_of_a_trial():
    runs = [run(f"a-{i}", seed=i, modes_captured=8.0 if i < 6 else 5.0) for i in range(8)]
    runs.append(run("b-0", trial="b", status="FAILED"))
    shares = verdict_shares(verdicts(results(*runs)))
    assert shares.verdict.tolist() == ["healthy", "partial collapse"]
    assert shares.runs.tolist() == [6, 2]
    # Wilson's interval of 6 of 8, by hand: (0.75 + z²/16 ± z √(0.75·0.25/8 + z²/256)) / (1 + z²/8), z = 1.96.
    assert shares.loc[0, ["low", "high"]].tolist() == pytest.approx([0.4093, 0.9285], abs=1e-4)


def test_a_level_is_the_limit_in_the_units_of_the_column():
    growing = verdict_of(run(grad_norm_g=2.0 + 400 * TIME, grad_push_g=4e3)[1])
    assert growing.evidence[0].threshold == 100
    assert growing.evidence[0].level == 200  # a hundred times the first
    row, history = run(modes_captured=5.0)
    partial = verdict_of(history, row).evidence[0]
    assert (partial.column, partial.value, partial.level, partial.comparison) == ("modes_captured", 3.0, 7.5, ">=")
    row, history = run(**circle(0.2), modes_captured=5.0)
    circling = verdict_of(history, row).evidence[0]
    assert circling.column in ("position_1", "position_2")
    assert circling.level is None


def test_details_are_every_condition_of_the_rule():
    found = judge(grad_push_g=LATE, loss_slope_share=1e-5, hq_fraction=0.1)
    assert [one.statistic for one in found.details] == ["loss_share", "push_g", "good"]
    assert [one.from_step for one in found.details][:2] == [25, 500]


@pytest.mark.parametrize("column", ["grad_norm_g", "total_spread", "position_1", "modes_captured", "hq_fraction"])
def test_what_is_not_finite_takes_nothing_else_away(column):
    """A tenth of a column is lost, at random places: the verdict stays."""
    rng = np.random.default_rng(0)
    for bad in (np.nan, np.inf):
        changes, verdict, _ = CASES["collapse"]
        row, history = run(**changes)
        history[column] = history[column].where(rng.random(N) > 0.1, bad)
        assert verdict_of(history, row).verdict == verdict
        row, history = run()
        history[column] = history[column].where(rng.random(N) > 0.1, bad)
        assert verdict_of(history, row).verdict == "healthy"


def test_infinite_gradients_explode():
    assert judge(grad_push_g=np.inf).verdict == "exploding gradient"
    assert judge(grad_push_g=0.0, hq_fraction=0.1).verdict == "vanishing gradient"


def test_histories_without_anything_to_judge():
    empty = pd.DataFrame({"step": []})
    for history in (empty, pd.DataFrame(), pd.DataFrame({"step": [1, 2], "grad_norm_g": [0.5, 0.4]})):
        assert verdict_of(history).verdict == "unclear"
    assert verdict_of(empty, {"status": "DIVERGED", "diverged_at": 3}).evidence[0].from_step == 3
    assert (
        verdict_of(empty, {"status": "DIVERGED", "diverged_at": pd.NA}).text
        == "not finite, or a million times the data's"
    )
    row, history = run(modes_captured=np.nan, total_spread=np.nan)
    assert verdict_of(history, row).verdict == "unclear"
    nothing = stand_in(Results, runs=pd.DataFrame([row]).iloc[:0], history=history.iloc[:0])
    assert len(verdicts(nothing)) == 0
    assert len(verdict_shares(verdicts(nothing))) == 0


def test_a_growing_history_gets_its_verdict_as_it_happens():
    changes, verdict, _ = CASES["flat"]
    row, history = run(**changes)
    said = [verdict_of(history.iloc[: n + 1], row).verdict for n in range(N)]
    begins = int(np.argmax(STEPS >= 500))
    assert verdict not in said[: begins + 1]
    assert set(said[2 * begins + 2 :]) == {verdict}  # once more than half of the history is behind it


def test_rows_in_any_order_and_other_frames_types():
    row, history = run(**circle(0.2), modes_captured=5.0)
    shuffled = history.sample(frac=1.0, random_state=0)
    assert verdict_of(shuffled, row) == verdict_of(history, row)
    typed = history.astype({"modes_captured": "Int64", "grad_norm_g": "Float32"})
    assert verdict_of(typed, row).verdict == "oscillation"


def case_statistics():
    """Return every case of the two tables with the statistics that rules read of it."""
    cases = [(changes, verdict, cause) for changes, verdict, cause in CASES.values()]
    cases += [(changes, verdict, None) for changes, verdict in NEAR.values()]
    rows = [(run(**changes), verdict, cause) for changes, verdict, cause in cases]
    return [(statistics(row, in_order(history)), verdict, cause) for (row, history), verdict, cause in rows]


def first_match(rules, known):
    """Return the verdict and the cause of the first rule that holds, as `verdict_of` names them."""
    for rule in rules:
        if all(c.statistic in known and c.holds(known[c.statistic].value) for c in rule.conditions):
            return rule.verdict, rule.cause
    complete = {"good", "spread", "oscillation"} <= known.keys()
    return "low quality" if complete else "unclear", ""


def wrong_somewhere(rules, cases):
    for known, verdict, cause in cases:
        got, why = first_match(rules, known)
        if got != verdict or cause not in (None, why):
            return True
    return False


def test_every_statistic_is_read_by_a_rule():
    made = {name for known, *_ in case_statistics() for name in known}
    assert made <= {condition.statistic for rule in RULES for condition in rule.conditions}


def test_no_rule_and_no_condition_can_go():
    """Each of them taken away turns a case of the two tables above into another verdict."""
    cases = [case for case in case_statistics() if case[1] != "failed"]
    assert not wrong_somewhere(RULES, cases)
    for i, rule in enumerate(RULES):
        less: list[tuple[Rule, ...]] = [()] if len(rule.conditions) == 1 else []
        for j in range(len(rule.conditions) if not less else 0):
            kept = rule.conditions[:j] + rule.conditions[j + 1 :]
            less.append((dataclasses.replace(rule, conditions=kept),))
        for instead in less:
            rules = (*RULES[:i], *instead, *RULES[i + 1 :])
            assert wrong_somewhere(rules, cases), (rule.verdict, rule.cause, instead)
