"""Trainings of any length are looked at often enough, and no more of the time goes into it than was asked for."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch

import ganbench
from ganbench.core.errors import UsageError
from ganbench.monitor import cadence
from ganbench.monitor.cadence import ALLOWANCE, Cadence
from ganbench.tables.results import load
from tests.helpers.small_gan import LATENT, Loop


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.setattr(cadence, "clock", clock := Clock())
    return clock


def looks(clock, steps, step_seconds, look_seconds, overhead=0.02):
    """Return the steps of a run's looks, and the share of the time that they took."""
    at, it, spent, i = [], Cadence(None, overhead), 0.0, 0
    while i < steps:
        # Steps on which nothing is due are passed over, those on which time is lacking one by one.
        i = max(i + 1, min(it.next, steps))
        clock.now = i * step_seconds + spent
        if it.due(i):
            with it.spending(i):
                clock.now += look_seconds
            spent += look_seconds
            at.append(i)
    return at, spent / (steps * step_seconds)


@pytest.mark.parametrize("steps, step_seconds", [(640, 0.001), (640, 0.1), (10_000, 0.01), (3_000_000, 0.05)])
def test_runs_of_any_length_have_sixty_looks(clock, steps, step_seconds):
    at, _ = looks(clock, steps, step_seconds, 0.01)
    assert len(at) >= 60
    later = [step for step in at if step > steps / 2]
    assert len(later) >= 8 and at[-1] >= 0.9 * steps
    gaps = [b - a for a, b in zip(later, later[1:], strict=False)]
    assert max(gaps) <= steps / 4


@pytest.mark.parametrize("look_seconds", [0.1, 2.0, 60.0])
def test_looks_keep_to_their_share_of_the_time(clock, look_seconds):
    at, share = looks(clock, 20_000, 0.5, look_seconds)
    # The first one is free (it loads libraries), and there is an allowance.
    assert share <= 0.02 + (ALLOWANCE + look_seconds) / 10_000
    assert len(at) > 2


def test_given_steps_are_kept_whatever_they_cost(clock):
    it = Cadence(50, 0.02)
    at = []
    for i in range(1, 301):
        clock.now = float(i)
        if it.due(i):
            with it.spending(i):
                clock.now += 1000.0
            at.append(i)
    assert at == [50, 100, 150, 200, 250, 300]


def rows(every, count, begin=0):
    """Return the first rows of a loop that logs every so many steps."""
    it, at = Cadence(every, 0.02, widest=97, first=1, varied=True), []
    it.after(begin)
    while len(at) < count:
        at.append(it.next)
        it.after(it.next)
    return at


@pytest.mark.parametrize("every", [2, 4, 10, 16, 48, 50, 100])
@pytest.mark.parametrize("period", [2, 4, 5, 8, 16])
def test_fixed_rows_meet_a_lazy_regulariser_as_often_as_it_happens(every, period):
    at = rows(every, 2000)
    assert [step // every for step in at] == list(range(1, 2001))
    for phase in range(period):
        assert sum(step % period == phase for step in at) / 2000 == pytest.approx(1 / period, abs=0.01)


def test_a_run_that_goes_on_has_the_same_rows():
    at = rows(16, 100)
    for begin in range(200):
        assert rows(16, 20, begin) == [step for step in at if step > begin][:20]


def test_a_loop_at_the_defaults_is_looked_at_sixty_times_in_640_steps(tmp_path, clock, caplog):
    """On a clock that stands still nothing costs time: the steps alone decide."""
    with caplog.at_level(logging.INFO):
        loop = Loop(lambda g, d: ganbench.Monitor(g, d, tmp_path / "run", latents=torch.ones(50, LATENT), samples=50))
        loop.run(640).monitor.close()
    history = load(tmp_path / "run").history
    assert all(60 <= len(history[name].dropna()) <= 240 for name in ("total_spread", "grad_norm_g"))
    assert "verdicts want" not in caplog.text


def test_any_infinity_leaves_time_out_and_no_other_odd_number_does(tmp_path):
    """`float("inf")` is not the object `math.inf`."""
    for i, given in enumerate((float("inf"), np.float64("inf"))):
        Loop(lambda g, d, i=i, given=given: ganbench.Monitor(g, d, tmp_path / str(i), overhead=given)).monitor.close()
    for given in (0, -1.0, float("nan"), float("-inf")):
        with pytest.raises(UsageError, match="ganbench.Monitor: overhead"):
            Loop(lambda g, d, given=given: ganbench.Monitor(g, d, tmp_path / "run", overhead=given))


def test_what_was_too_little_is_said_at_the_end(tmp_path, caplog):
    Loop(lambda g, d: ganbench.Monitor(g, d, tmp_path / "run")).run(20).monitor.close()
    assert "0 looks at the samples in 20 steps, and verdicts want 60: real samples were too few" in caplog.text


def test_features_that_take_longer_than_the_budget_are_said_to(tmp_path, clock, caplog):
    def slow(x):
        clock.now += 0.6
        return x

    Loop(lambda g, d: ganbench.Monitor(g, d, tmp_path / "run", features=slow)).run(40).monitor.close()
    assert "the features of real samples took longer than overhead= allows; give a larger overhead=" in caplog.text
