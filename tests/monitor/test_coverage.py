"""What was never there is not lost, and what has not arrived yet may move; both only as long as something rises."""

from __future__ import annotations

import numpy as np
import pytest

from ganbench.monitor.alarm import Alarm
from tests.monitor.test_alarm import one_run

METRICS = frozenset({"precision", "recall", "total_spread", "position_1", "position_2"})
FACTS = {"precision_floor": 0.8, "recall_floor": 0.9, "known_modes": 0.0}


def said(evaluations, recall, spread, swing=0.0, drift=0.0, advantage=0.8, grown=0):
    """Return (evaluation, verdict) of what an alarm says where recall and spread are functions of the evaluation."""
    rng, rows, alarm, reported = np.random.default_rng(3), one_run(), Alarm(), []
    alarm.grown = grown
    for i in range(1, evaluations + 1):
        position = {f"position_{k + 1}": swing * np.cos(0.9 * i - k * np.pi / 2) for k in range(2)}
        position["position_1"] += 0.5 * 0.8**i + drift * i  # it has moved since the beginning
        noisy = {"precision": rng.uniform(0.6, 0.8), "total_spread": spread(i) * rng.uniform(0.97, 1.03)}
        rows.write(i, {"grad_norm_g": 0.5, "d_advantage": advantage, "recall": recall(i)} | noisy | position)
        before = alarm.verdict
        alarm.look(rows, METRICS, {**FACTS})
        if alarm.verdict is not before and alarm.verdict is not None:
            reported.append((i, alarm.verdict.verdict))
    return reported


def test_recall_that_is_still_0_while_samples_spread_out_is_not_yet():
    assert said(100, lambda i: 0.0, lambda i: min(0.9, 0.1 * 1.03**i)) == []


def test_recall_that_never_comes_is_missed_from_the_fortieth_evaluation_on():
    (first,) = said(100, lambda i: 0.0, lambda i: 0.9)
    assert first[1] == "partial collapse" and 40 <= first[0] <= 46


def test_recall_that_never_comes_is_not_missed_in_a_run_that_is_young_in_steps():
    (first,) = said(100, lambda i: 0.0, lambda i: 0.9, grown=60)
    assert first[1] == "partial collapse" and 60 <= first[0] <= 66
    # What was held and is lost is said even so.
    ((step, verdict),) = said(100, lambda i: 0.7 if i < 35 else 0.1, lambda i: 0.9, grown=90)
    assert verdict == "partial collapse" and 35 < step <= 51
    # Too little to have been held: recall of a few hundred samples dips by a third.
    assert said(60, lambda i: 0.3 if i < 35 else 0.2, lambda i: 0.9, grown=90) == []


def test_a_discriminator_that_can_win_little_is_not_blind_while_recall_rises():
    little = {"advantage": 0.06, "spread": lambda i: 0.9, "swing": 0.3}
    assert "no signal" not in [name for _, name in said(80, lambda i: 0.5 * i / 80, **little)]
    assert "no signal" in [name for _, name in said(80, lambda i: 0.05, **little)]


def test_recall_that_still_rises_is_not_missed():
    assert said(100, lambda i: 0.3 * i / 100, lambda i: 0.9) == []


@pytest.mark.parametrize("falls", [35, 70])
def test_recall_that_was_held_and_falls_is_lost_however_young_the_run(falls):
    (first,) = said(110, lambda i: 0.7 if i < falls else 0.1, lambda i: 0.9)
    assert first[1] == "partial collapse" and falls < first[0] <= falls + 16


def test_samples_that_spread_out_may_move_and_those_at_rest_may_not():
    swings = {"recall": lambda i: 0.05, "swing": 0.3}
    assert said(80, spread=lambda i: min(0.9, 0.1 * 1.03**i), **swings) == []
    assert "oscillation" in [name for _, name in said(80, spread=lambda i: 0.9, **swings)]


def test_samples_of_a_young_run_may_move_before_they_spread_out():
    # NS with R1 on the ring at a rate of 5e-4: jumps of 0.66 at step 427, and all eight modes in the end.
    swings = {"recall": lambda i: 0.05, "spread": lambda i: 0.9, "swing": 0.3}
    assert said(80, grown=90, **swings) == []
    assert "oscillation" in [name for _, name in said(80, grown=50, **swings)]


def test_samples_that_spread_out_may_go_one_way_and_others_may_not():
    drifts = {"recall": lambda i: 0.05, "swing": 0.3, "drift": 0.4}
    assert said(80, spread=lambda i: min(0.9, 0.1 * 1.03**i), **drifts) == []
    assert "no signal" in [name for _, name in said(80, spread=lambda i: 0.9, **drifts)]
