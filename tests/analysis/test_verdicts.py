"""Every rule on made-up tables: a healthy run, spoiled in one way at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ganbench.analysis.verdict_rules import RULES, THRESHOLDS, WORDS, Rule
from ganbench.analysis.verdict_statistics import in_order, statistics
from ganbench.analysis.verdicts import verdict_of, verdict_shares, verdicts
from ganbench.tables.results import Results
from tests.helpers.stand_in import stand_in

N = 80
STEPS = np.arange(1, N + 1) * 25
Run = tuple[dict[Hashable, Any], pd.DataFrame]
TIME = np.linspace(0.0, 1.0, N)
CIRCLE = np.arange(N) * 0.7


def run(name: str = "a-0", status: str = "OK", trial: str = "a", seed: int = 0, **changes: Any) -> Run:
    """Return a run's row and history: healthy, 8 modes, unless columns are changed; None takes one away."""
    columns = {
        "grad_norm_g": 0.5,
        "grad_norm_d": 0.5,
        "grad_push_g": 5.0,
        "grad_push_d": 5.0,
        "loss_slope_share": 0.7,
        "critic_rise": 0.7,
        "update_ratio_d": 1e-3,
        "overfit_ratio": 0.02,
        "auc_gap": 0.0,
        "d_advantage": 0.4,
        "modes_captured": 8.0,
        "hq_fraction": 0.9,
        "position_1": 0.01 * np.cos(CIRCLE),
        "position_2": 0.01 * np.sin(CIRCLE),
        "total_spread": np.minimum(1.0, 3 * TIME),
        "mode_set": 255.0,
        "mode_kl": 0.004,
    }
    row: dict[Hashable, Any] = {
        "run": name,
        "trial": trial,
        "seed": seed,
        "status": status,
        "known_modes": 8.0,
        "fewest_modes": 8.0,
    }
    row |= {"precision_floor": 0.95, "recall_floor": 0.95, "hq_fraction_floor": 0.97, "mode_kl_floor": 0.004}
    row["total_spread_floor"] = 1.0
    row["diverged_at"] = 77 if status == "DIVERGED" else pd.NA
    row |= {name: changes.pop(name) for name in list(changes) if name in row}
    columns |= changes
    kept = {name: np.broadcast_to(value, N) for name, value in columns.items() if value is not None}
    return row, pd.DataFrame({"run": name, "step": STEPS, **kept})


def results(*runs):
    return stand_in(
        Results, runs=pd.DataFrame([row for row, _ in runs]), history=pd.concat([history for _, history in runs])
    )


def judge(*runs, **changes):
    return verdicts(results(*(runs or [run(**changes)]))).iloc[0]


def circle(radius) -> dict[str, Any]:
    return {"position_1": radius * np.cos(CIRCLE), "position_2": radius * np.sin(CIRCLE)}


ZIGZAG = 0.0075 * (-1.0) ** np.arange(N)  # about a third of the path is progress
LATE = np.where(STEPS >= 500, 1e-4, 5.0)
NARROW = np.minimum(0.4, 3 * TIME)
SMALL = np.minimum(0.2, 3 * TIME)
ONE = {"known_modes": 1.0, "fewest_modes": 1.0, "mode_kl": 0.0, "mode_kl_floor": 0.0}
UNKNOWN = {"modes_captured": None, "hq_fraction": None, "mode_set": None, "mode_kl": None, "known_modes": 0.0}
POINT = {**ONE, "modes_captured": 1.0, "total_spread": 0.0, "total_spread_floor": 0.0}  # data without any spread
WON = {"d_advantage": 0.98, "d_auc": 1.0}
CASES = {
    "healthy": ({}, "healthy", ""),
    "a point that is the data": ({**POINT, "position_1": np.exp(-12 * TIME), "position_2": 0.0}, "healthy", ""),
    "a point that circles": ({**POINT, **circle(1.0), "hq_fraction": 0.1}, "oscillation", ""),
    "diverged": ({"status": "DIVERGED"}, "diverged", ""),
    "exploding G": ({"grad_push_g": 2e4}, "exploding gradient", "generator"),
    "exploding D": ({"grad_push_d": 2e4}, "exploding gradient", "discriminator"),
    "growing G": ({"grad_norm_g": 1.0 + 400 * TIME, "grad_push_g": 4e3}, "exploding gradient", "generator"),
    "growing D": ({"grad_norm_d": 1.0 + 400 * TIME, "grad_push_d": 4e3}, "exploding gradient", "discriminator"),
    "saturated": (
        {"grad_push_g": LATE, "loss_slope_share": 1e-5, "hq_fraction": 0.1},
        "vanishing gradient",
        "the loss is saturated",
    ),
    "flat": (
        {"grad_push_g": LATE, "critic_rise": 1e-4, "hq_fraction": 0.1},
        "vanishing gradient",
        "the critic is flat",
    ),
    "dead": ({"grad_push_g": LATE, "hq_fraction": 0.1}, "vanishing gradient", "the generator is dead"),
    "vanishing": (
        {"grad_push_g": LATE, "hq_fraction": 0.1, "critic_rise": None, "loss_slope_share": None},
        "vanishing gradient",
        "",
    ),
    "vanishing, the critic unknown": (
        {"grad_push_g": LATE, "hq_fraction": 0.1, "critic_rise": None},
        "vanishing gradient",
        "",
    ),
    "vanishing, the loss unknown": (
        {"grad_push_g": LATE, "hq_fraction": 0.1, "loss_slope_share": None},
        "vanishing gradient",
        "",
    ),
    "vanished since the beginning of the run": (
        {"grad_norm_g": np.where(STEPS >= 500, 1e-6, 0.5), "grad_push_g": None, "hq_fraction": 0.1},
        "vanishing gradient",
        "",
    ),
    "frozen": ({"update_ratio_d": 1e-7, "hq_fraction": 0.1}, "no signal", "the discriminator is frozen"),
    "frozen, and samples run away": (
        {"update_ratio_d": 1e-7, "hq_fraction": 0.0, "grad_push_d": 1e6},
        "no signal",
        "the discriminator is frozen",
    ),
    "frozen, and samples run off to where the loss is flat": (
        {"update_ratio_d": 1e-7, "hq_fraction": 0.0, "grad_push_g": LATE, "loss_slope_share": 1e-5},
        "no signal",
        "the discriminator is frozen",
    ),
    "frozen after a while": (
        {"update_ratio_d": np.where(STEPS > 100, 1e-7, 1e-3), "hq_fraction": 0.1},
        "no signal",
        "the discriminator is frozen",
    ),
    "frozen once the loss was flat": (
        {
            "update_ratio_d": np.where(STEPS > 100, 1e-7, 1e-3),
            "hq_fraction": 0.0,
            "grad_push_g": LATE,
            "loss_slope_share": 1e-5,
        },
        "vanishing gradient",
        "the loss is saturated",
    ),
    "converged, not vanishing": ({"grad_push_g": LATE}, "healthy", ""),
    "overfit": ({"overfit_ratio": 0.6, "auc_gap": 0.2}, "discriminator overfit", ""),
    "a quotient of small numbers": ({"overfit_ratio": 0.6, "auc_gap": 0.01}, "healthy", ""),
    "motionless": (
        {**circle(0.01), "total_spread": 0.1, "modes_captured": 0.0, "hq_fraction": 0.0},
        "under-trained",
        "hardly moved",
    ),
    "wins": ({**WON, "d_loss": 0.01, "d_loss_excess": -1.376, "modes_captured": 5.0}, "discriminator wins", ""),
    "wins, the loss unknown": (
        {**WON, "d_advantage": None, "d_loss": 1.386 * np.exp(-10 * TIME), "modes_captured": 5.0},
        "discriminator wins",
        "",
    ),
    "wins, and samples swing": (
        {**WON, "d_loss": 0.01, "d_loss_excess": -1.376, **circle(1.0), "modes_captured": 1.0},
        "discriminator wins",
        "",
    ),
    "blind at rest": (
        {"d_advantage": 0.05, "d_auc": 0.45, "hq_fraction": 0.1, "total_spread": np.minimum(0.1, 3 * TIME)},
        "no signal",
        "the discriminator learns nothing",
    ),
    "blind, the loss unknown": (
        {"d_advantage": None, "d_auc": 0.45, "hq_fraction": 0.1, "total_spread": np.minimum(0.1, 3 * TIME)},
        "no signal",
        "the discriminator tells nothing apart",
    ),
    "flat, known by its logits": (
        {
            "grad_push_g": LATE,
            "critic_rise": None,
            "real_logit_mean": 2.0001,
            "fake_logit_mean": 2.0,
            "hq_fraction": 0.1,
        },
        "vanishing gradient",
        "the critic is flat",
    ),
    "no signal": (
        {**circle(1.0), "d_advantage": 0.05, "modes_captured": 0.0},
        "no signal",
        "the discriminator learns nothing",
    ),
    "hopping": (
        {**circle(1.0), "total_spread": NARROW, "modes_captured": 1.0},
        "mode hopping",
        "",
    ),
    "collapse": ({"total_spread": np.minimum(0.1, 3 * TIME), "modes_captured": 1.0}, "total collapse", ""),
    "drifting": (
        {"position_1": 3 * TIME + 0.3 * np.sin(12 * TIME), "modes_captured": 0.0},
        "no signal",
        "the samples drift off",
    ),
    "scattered": ({**circle(0.2), "total_spread": 2.0, "modes_captured": 0.0}, "no signal", "the samples scatter"),
    "oscillation": ({**circle(0.2), "modes_captured": 5.0}, "oscillation", ""),
    "slow and straight": (
        {"position_1": 0.4 * TIME, "modes_captured": 0.0, "hq_fraction": 0.1},
        "under-trained",
        "still on its way",
    ),
    "slow": (
        {"position_1": 0.4 * TIME + ZIGZAG, "total_spread": NARROW, "modes_captured": 0.0, "hq_fraction": 0.1},
        "under-trained",
        "still on its way",
    ),
    "partial": ({"modes_captured": 5.0}, "partial collapse", ""),
    "one mode, and samples around it": (
        {"modes_captured": 1.0, "total_spread": SMALL, "mode_kl": 2.05, "hq_fraction": 0.3},
        "total collapse",
        "one mode is left",
    ),
    "two modes, blurred": (
        {"modes_captured": 2.0, "mode_kl": 1.39, "hq_fraction": 0.3},
        "partial collapse",
        "few modes have the samples, and they are blurred",
    ),
    "more and more modes": (
        {"modes_captured": np.floor(1 + 6 * TIME)},
        "under-trained",
        "it still covers more of the data",
    ),
    "unknown modes, more and more recalled": (
        {**UNKNOWN, "precision": 0.9, "recall": 0.4 * TIME},
        "under-trained",
        "it still covers more of the data",
    ),
    "unknown modes, little recalled": (
        {**UNKNOWN, "precision": 0.9, "recall": 0.2},
        "partial collapse",
        "much of the data is out of reach",
    ),
    "unknown modes, healthy": ({**UNKNOWN, "precision": 0.9, "recall": 0.8}, "healthy", ""),
    "unknown modes, one point": (
        {**UNKNOWN, "precision": 1.0, "recall": 0.0, "total_spread": np.minimum(0.1, 3 * TIME)},
        "total collapse",
        "",
    ),
    "unknown modes, vanishing": (
        {**UNKNOWN, "precision": 0.0, "recall": 0.0, "grad_push_g": LATE, "critic_rise": 1e-4},
        "vanishing gradient",
        "the critic is flat",
    ),
    "unknown modes, blurred": ({**UNKNOWN, "precision": 0.1, "recall": 0.8}, "low quality", ""),
    "unknown modes, no precision": (UNKNOWN, "unclear", ""),
    "blurred": ({"hq_fraction": 0.3}, "low quality", ""),
    "one mode, all in one place": (
        {**ONE, "modes_captured": 1.0, "total_spread": np.minimum(0.1, 3 * TIME)},
        "partial collapse",
        "the samples spread too little",
    ),
    "all modes, narrow": (
        {"total_spread": np.minimum(0.7, 3 * TIME)},
        "partial collapse",
        "the samples spread too little",
    ),
    "no positions": ({"position_1": None, "position_2": None}, "unclear", ""),
    "failed": ({"status": "TIMEOUT"}, "failed", ""),
}


GONE = {"modes_captured": 0.0, "hq_fraction": 0.1}
SLOW = {"position_1": 0.4 * TIME + ZIGZAG, "total_spread": NARROW, **GONE}
STRAIGHT = {"position_1": 0.4 * TIME, "total_spread": 1.0, **GONE}
# All conditions of a rule but one.
NEAR = {
    "grew to little, G": ({"grad_norm_g": 0.01 + 3 * TIME}, "healthy"),
    "grew to little, D": ({"grad_norm_d": 0.01 + 3 * TIME}, "healthy"),
    "large from the start, G": ({"grad_push_g": 4e3}, "healthy"),
    "large from the start, D": ({"grad_push_d": 4e3}, "healthy"),
    "saturated but alive": ({"loss_slope_share": 1e-5, "hq_fraction": 0.1}, "low quality"),
    "flat but alive": ({"critic_rise": 1e-5, "hq_fraction": 0.1}, "low quality"),
    "won but good": ({**WON, "d_loss": 0.01, "d_loss_excess": -1.376}, "healthy"),
    "won, a loss without end": (
        {**WON, "d_loss": -30.0, "d_loss_excess": -30.0, "modes_captured": 5.0},
        "partial collapse",
    ),
    "won, but by penalties": (
        {**WON, "d_loss": 90.0, "d_loss_excess": 89.0, "modes_captured": 5.0},
        "partial collapse",
    ),
    "won, not always right": (
        {**WON, "d_auc": 0.97, "d_loss": 0.01, "d_loss_excess": -1.376, "modes_captured": 5.0},
        "partial collapse",
    ),
    "won, the loss unknown, without end": (
        {
            **WON,
            "d_advantage": None,
            "d_loss": np.where(STEPS > 500, 0.01, 1.0) - 2 * (STEPS == 50),
            "modes_captured": 5.0,
        },
        "partial collapse",
    ),
    "won, good but circling": ({**WON, "d_loss": 0.01, "d_loss_excess": -1.376, **circle(0.2)}, "oscillation"),
    "no advantage, cannot tell, good enough": ({"d_advantage": 0.05, "d_auc": 0.5, "hq_fraction": 0.3}, "low quality"),
    "ranks, the loss unknown": ({"d_advantage": None, "d_auc": 0.8, "hq_fraction": 0.1}, "low quality"),
    "cannot tell, good enough": ({"d_advantage": None, "d_auc": 0.5, "hq_fraction": 0.3}, "low quality"),
    "cannot tell, and an advantage": ({"d_advantage": 0.4, "d_auc": 0.5, "hq_fraction": 0.1}, "low quality"),
    "no advantage over good samples that circle": ({**circle(0.2), "d_advantage": 0.05}, "oscillation"),
    "a mode missing now and then": ({"modes_captured": np.where(np.arange(N) % 3, 8.0, 7.0)}, "healthy"),
    "a mode missing more often than not": (
        {"modes_captured": np.where(np.arange(N) % 3, 7.0, 8.0)},
        "partial collapse",
    ),
    "frozen but good": ({"update_ratio_d": 1e-7}, "healthy"),
    "faded but good": ({"grad_norm_g": np.where(STEPS >= 500, 1e-6, 0.5), "grad_push_g": None}, "healthy"),
    "of fair quality only": ({"hq_fraction": 0.54}, "low quality"),
    "one mode in the middle of all": ({**GONE, "total_spread": SMALL}, "low quality"),
    "one mode, wide": (
        {**GONE, "mode_kl": 2.05, "modes_captured": np.floor(1 + 6 * TIME), "total_spread": np.minimum(0.9, 3 * TIME)},
        "low quality",
    ),
    "one mode of one": (
        {**GONE, **ONE, "total_spread": SMALL},
        "low quality",
    ),
    "more modes and blurred": ({"modes_captured": np.floor(1 + 6 * TIME), "hq_fraction": 0.3}, "low quality"),
    "all modes by now, swollen": (
        {"modes_captured": np.minimum(8, np.floor(1 + 12 * TIME)), "total_spread": np.minimum(1.4, 3 * TIME)},
        "low quality",
    ),
    "much recalled by now, swollen": (
        {**UNKNOWN, "precision": 0.9, "recall": 0.9 * TIME, "total_spread": np.minimum(1.4, 3 * TIME)},
        "low quality",
    ),
    "more and more recalled, and blurred": (
        {**UNKNOWN, "precision": 0.3, "recall": 0.4 * TIME},
        "low quality",
    ),
    "saturated but good": ({"grad_push_g": LATE, "loss_slope_share": 1e-5}, "healthy"),
    "flat but good": ({"grad_push_g": LATE, "critic_rise": 1e-5}, "healthy"),
    "a gap without a ratio": ({"auc_gap": 0.2}, "healthy"),
    "good but circling": (circle(0.2), "oscillation"),
    "good but swollen": ({"total_spread": np.minimum(1.4, 3 * TIME)}, "low quality"),
    "circling, but ahead": ({**circle(1.0), **GONE, "critic_rise": 0.01}, "oscillation"),
    "no advantage, at rest": ({**GONE, "d_advantage": 0.05}, "low quality"),
    "hopping as a whole": ({**circle(1.0), **GONE}, "oscillation"),
    "nowhere to hop": (
        {**circle(1.0), "total_spread": NARROW, **GONE, **ONE},
        "oscillation",
    ),
    "wide at rest": ({**GONE, "total_spread": np.minimum(2.0, 6 * TIME)}, "low quality"),
    "small at rest": ({**GONE, "total_spread": NARROW}, "low quality"),
    "wide on its way": ({**SLOW, "total_spread": np.minimum(1.0, 3 * TIME)}, "low quality"),
    "straight without a push": ({**STRAIGHT, "grad_push_g": 0.1}, "low quality"),
    "straight and almost there": ({**STRAIGHT, "hq_fraction": 0.3}, "low quality"),
    "not straight": ({**STRAIGHT, "position_1": 0.4 * TIME + ZIGZAG}, "low quality"),
    "straight to nowhere": ({**STRAIGHT, "position_1": 0.1 * TIME, "position_2": 0.0}, "low quality"),
    "narrow and to nowhere": ({**SLOW, "position_1": 0.1 * TIME + ZIGZAG / 4, "position_2": 0.0}, "low quality"),
    "on its way without a push": ({**SLOW, "grad_push_g": 0.1}, "low quality"),
    "on its way and almost there": ({**SLOW, "hq_fraction": 0.3}, "low quality"),
    "unknown modes, little recalled and blurred": ({**UNKNOWN, "precision": 0.2, "recall": 0.2}, "low quality"),
    "good and motionless": ({"position_1": 0.01, "position_2": 0.0, "total_spread": 1.0}, "healthy"),
    "modes lost and blurred": ({"modes_captured": 5.0, "hq_fraction": 0.3}, "low quality"),
}


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
        "not known: how good and how varied samples are; evaluations are fewer than 8, or lack columns"
    )
    row, history = run()
    assert judge((row, history.iloc[:7])).verdict == "unclear"


def test_movement_against_slow_sums():
    rng = np.random.default_rng(0)
    walk = rng.normal(size=(2, N)).cumsum(1)
    codes = rng.integers(0, 256, N).astype(float)
    row, history = run(position_1=walk[0], position_2=walk[1], mode_set=codes)
    found = {name: statistic.value for name, statistic in statistics(row, in_order(history)).items()}
    late = walk[:, N // 2 :]
    rest = [axis - np.polyval(np.polyfit(np.arange(N // 2), axis, 1), np.arange(N // 2)) for axis in late]
    assert found["oscillation"] == pytest.approx(np.sqrt(sum(axis.var() for axis in rest)))
    moves = [np.hypot(*(late[:, i] - late[:, i - 1])) for i in range(1, N // 2)]
    assert found["move"] == pytest.approx(np.median(moves))
    assert found["net_path"] == pytest.approx(np.hypot(*(late[:, -1] - late[:, 0])) / sum(moves))
    sets = [{k for k in range(8) if int(code) >> k & 1} for code in codes]
    turned = [1 - len(a & b) / len(a | b) for a, b in zip(sets, sets[1:], strict=False)]
    assert found["turnover"] == pytest.approx(np.mean(turned[(N - 1) // 2 :]))
    assert found["forgotten"] == len(set().union(*sets) - sets[-1])


def test_a_pure_rotation_is_one_peak_of_the_spectrum():
    turn = 2 * np.pi * np.arange(N) / 10
    row, history = run(position_1=np.cos(turn), position_2=np.sin(turn))
    assert statistics(row, in_order(history))["peak"].value > 0.95
    rng = np.random.default_rng(0)
    row, history = run(position_1=rng.normal(size=N), position_2=rng.normal(size=N))
    assert statistics(row, in_order(history))["peak"].value < 0.3  # above in 0.08 % of 20,000 draws


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
