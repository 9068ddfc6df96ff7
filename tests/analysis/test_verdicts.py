"""Every rule on made-up tables: a healthy run, spoiled in one way at a time."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ganbench.analysis.verdict_features import features
from ganbench.analysis.verdict_rules import RULES, THRESHOLDS
from ganbench.analysis.verdicts import verdict_shares, verdicts

N = 80
STEPS = np.arange(1, N + 1) * 25
TIME = np.linspace(0.0, 1.0, N)
CIRCLE = np.arange(N) * 0.7


def run(name="a-0", status="OK", trial="a", seed=0, **changes):
    """Return a run's row and history: healthy, 8 modes, unless columns are changed; None takes one away."""
    columns = {
        "grad_norm_g": 0.5,
        "grad_norm_d": 0.5,
        "loss_slope": 0.5,
        "critic_slope_fake": 0.5,
        "overfit_ratio": 0.02,
        "auc_gap": 0.0,
        "d_loss_excess": -0.1,
        "modes_captured": 8.0,
        "hq_fraction": 0.9,
        "position_1": 0.01 * np.cos(CIRCLE),
        "position_2": 0.01 * np.sin(CIRCLE),
        "total_spread": np.minimum(1.0, 3 * TIME),
        "mode_set": 255.0,
    }
    row = {"run": name, "trial": trial, "seed": seed, "status": status, "modes_captured_floor": 8.0}
    row["diverged_at"] = 77 if status == "DIVERGED" else pd.NA
    row |= {name: changes.pop(name) for name in list(changes) if name in row}
    columns |= changes
    kept = {name: np.broadcast_to(value, N) for name, value in columns.items() if value is not None}
    return row, pd.DataFrame({"run": name, "step": STEPS, **kept})


def results(*runs):
    return SimpleNamespace(
        runs=pd.DataFrame([row for row, _ in runs]), history=pd.concat([history for _, history in runs])
    )


def judge(*runs, **changes):
    return verdicts(results(*(runs or [run(**changes)]))).iloc[0]


def circle(radius):
    return {"position_1": radius * np.cos(CIRCLE), "position_2": radius * np.sin(CIRCLE)}


LATE = np.where(STEPS >= 500, 1e-4, 0.5)
NARROW = np.minimum(0.4, 3 * TIME)
CASES = {
    "healthy": ({}, "healthy", ""),
    "diverged": ({"status": "DIVERGED"}, "diverged", ""),
    "exploding G": ({"grad_norm_g": 2e3}, "exploding gradient", "generator"),
    "exploding D": ({"grad_norm_d": 2e3}, "exploding gradient", "discriminator"),
    "growing G": ({"grad_norm_g": 0.5 + 120 * TIME}, "exploding gradient", "generator"),
    "growing D": ({"grad_norm_d": 0.5 + 120 * TIME}, "exploding gradient", "discriminator"),
    "saturated": (
        {"grad_norm_g": LATE, "loss_slope": 1e-5, "hq_fraction": 0.1},
        "vanishing gradient",
        "the loss is saturated",
    ),
    "flat": (
        {"grad_norm_g": LATE, "critic_slope_fake": 1e-4, "hq_fraction": 0.1},
        "vanishing gradient",
        "the critic is flat",
    ),
    "vanishing": ({"grad_norm_g": LATE, "hq_fraction": 0.1}, "vanishing gradient", ""),
    "converged, not vanishing": ({"grad_norm_g": LATE}, "healthy", ""),
    "overfit": ({"overfit_ratio": 0.6, "auc_gap": 0.2}, "discriminator overfit", ""),
    "a quotient of small numbers": ({"overfit_ratio": 0.6, "auc_gap": 0.01}, "healthy", ""),
    "motionless": (
        {**circle(0.01), "total_spread": 0.1, "modes_captured": 0.0, "hq_fraction": 0.0},
        "under-trained",
        "hardly moved",
    ),
    "no signal": (
        {**circle(1.0), "d_loss_excess": 0.001, "critic_slope_fake": 0.01, "modes_captured": 0.0},
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
    "slow": (
        {"position_1": 0.4 * TIME, "total_spread": NARROW, "modes_captured": 0.0, "hq_fraction": 0.1},
        "under-trained",
        "still on its way",
    ),
    "partial": ({"modes_captured": 5.0}, "partial collapse", ""),
    "blurred": ({"hq_fraction": 0.3}, "low quality", None),
    "one mode is no collapse": (
        {"modes_captured_floor": 1.0, "modes_captured": 1.0, "total_spread": np.minimum(0.1, 3 * TIME)},
        "low quality",
        None,
    ),
    "no positions": ({"position_1": None, "position_2": None}, "unclear", None),
    "failed": ({"status": "TIMEOUT"}, "failed", None),
}


GONE = {"modes_captured": 0.0, "hq_fraction": 0.1}
SLOW = {"position_1": 0.4 * TIME, "total_spread": NARROW, **GONE}
# All conditions of a rule but one.
NEAR = {
    "grew to little, G": ({"grad_norm_g": 0.01 + 3 * TIME}, "healthy"),
    "grew to little, D": ({"grad_norm_d": 0.01 + 3 * TIME}, "healthy"),
    "large from the start, G": ({"grad_norm_g": 60.0}, "healthy"),
    "large from the start, D": ({"grad_norm_d": 60.0}, "healthy"),
    "saturated but alive": ({"loss_slope": 1e-5, "hq_fraction": 0.1}, "low quality"),
    "flat but alive": ({"critic_slope_fake": 1e-5, "hq_fraction": 0.1}, "low quality"),
    "saturated but good": ({"grad_norm_g": LATE, "loss_slope": 1e-5}, "healthy"),
    "flat but good": ({"grad_norm_g": LATE, "critic_slope_fake": 1e-5}, "healthy"),
    "a gap without a ratio": ({"auc_gap": 0.2}, "healthy"),
    "good but circling": (circle(0.2), "oscillation"),
    "good but swollen": ({"total_spread": np.minimum(1.4, 3 * TIME)}, "low quality"),
    "flat, circling, but ahead": ({**circle(1.0), **GONE, "critic_slope_fake": 0.01}, "oscillation"),
    "steep, circling, no advantage": ({**circle(1.0), **GONE, "d_loss_excess": 0.001}, "oscillation"),
    "flat, no advantage, at rest": ({**GONE, "critic_slope_fake": 0.01, "d_loss_excess": 0.001}, "low quality"),
    "hopping as a whole": ({**circle(1.0), **GONE}, "oscillation"),
    "nowhere to hop": ({**circle(1.0), "total_spread": NARROW, **GONE, "modes_captured_floor": 1.0}, "oscillation"),
    "wide at rest": ({**GONE, "total_spread": np.minimum(2.0, 6 * TIME)}, "low quality"),
    "small at rest": ({**GONE, "total_spread": NARROW}, "low quality"),
    "wide on its way": ({**SLOW, "total_spread": np.minimum(1.0, 3 * TIME)}, "low quality"),
    "on its way without a push": ({**SLOW, "grad_norm_g": 0.01}, "low quality"),
    "on its way and almost there": ({**SLOW, "hq_fraction": 0.3}, "low quality"),
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
    assert (found.verdict, None if pd.isna(found.cause) else found.cause) == (verdict, cause), found.evidence
    assert found.evidence
    assert found.remedy


def test_every_rule_has_a_case():
    covered = {(verdict, cause) for _, verdict, cause in CASES.values()}
    assert {(rule.verdict, rule.cause) for rule in RULES} <= covered


def test_every_threshold_is_used_and_has_a_source():
    assert {c.threshold for rule in RULES for c in rule.conditions} == set(THRESHOLDS)
    assert all(threshold.source for threshold in THRESHOLDS.values())


def test_the_evidence_says_what_since_when_against_which_limit():
    found = judge(grad_norm_g=LATE, critic_slope_fake=np.where(STEPS >= 500, 1e-4, 0.5), hq_fraction=0.1)
    assert (found.column, found.from_step, found.value, found.threshold) == ("critic_slope_fake", 500, 1e-4, 1e-3)
    assert found.evidence == "critic_slope of critic_slope_fake is 0.0001, below 0.001, since step 500"
    assert judge(status="DIVERGED").from_step == 77
    assert judge(**circle(0.2), modes_captured=5.0).from_step == STEPS[N // 2]


def test_the_other_verdicts_that_hold_are_secondary_and_once_each():
    found = judge(grad_norm_g=2e3, grad_norm_d=2e3, **circle(1.0), total_spread=NARROW, modes_captured=1.0)
    assert found.verdict == "exploding gradient"
    assert found.secondary == "mode hopping, oscillation, partial collapse"


def test_one_bad_value_is_no_verdict():
    for column, value in (("grad_norm_g", 1e5), ("total_spread", 0.0), ("modes_captured", 0.0)):
        healthy = {"grad_norm_g": 0.5, "total_spread": 1.0, "modes_captured": 8.0}[column]
        assert judge(**{column: np.where(STEPS == STEPS[-3], value, healthy)}).verdict == "healthy"


def test_columns_that_are_missing_take_their_verdicts_away_and_no_others():
    bare = {name: None for name in ("loss_slope", "critic_slope_fake", "overfit_ratio", "auc_gap", "d_loss_excess")}
    assert judge(**bare).verdict == "healthy"
    assert judge(**bare, grad_norm_g=LATE, hq_fraction=0.1).verdict == "vanishing gradient"
    assert judge(modes_captured=None).verdict == "unclear"
    row, history = run()
    assert judge((row, history.iloc[:7])).verdict == "unclear"


def test_movement_against_slow_sums():
    rng = np.random.default_rng(0)
    walk = rng.normal(size=(2, N)).cumsum(1)
    codes = rng.integers(0, 256, N).astype(float)
    row, history = run(position_1=walk[0], position_2=walk[1], mode_set=codes)
    found = {name: feature.value for name, feature in features(row, history).items()}
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
    assert features(row, history)["peak"].value > 0.95
    rng = np.random.default_rng(0)
    row, history = run(position_1=rng.normal(size=N), position_2=rng.normal(size=N))
    assert features(row, history)["peak"].value < 0.3  # above in 0.08 % of 20,000 draws


def test_shares_of_a_trial():
    runs = [run(f"a-{i}", seed=i, modes_captured=8.0 if i < 6 else 5.0) for i in range(8)]
    runs.append(run("b-0", trial="b", status="FAILED"))
    shares = verdict_shares(verdicts(results(*runs)))
    assert shares.verdict.tolist() == ["healthy", "partial collapse"]
    assert shares.runs.tolist() == [6, 2]
    # Wilson's interval of 6 of 8, by hand: (0.75 + z²/16 ± z √(0.75·0.25/8 + z²/256)) / (1 + z²/8), z = 1.96.
    assert shares.loc[0, ["low", "high"]].tolist() == pytest.approx([0.4093, 0.9285], abs=1e-4)
