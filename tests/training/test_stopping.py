"""Stopping early ends what is settled, as the verdicts would have it, and changes nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ganbench.analysis.verdict_rules import RULES, THRESHOLDS
from ganbench.analysis.verdicts import verdicts
from ganbench.tables.results import load
from ganbench.training.stopping import FEWEST_EVALUATIONS, POINT_LIKE, StopRequest, all_finished_early, collapsed_since
from ganbench.training.trainer import Trainer
from tests.helpers.made_tables import made_run
from tests.helpers.trials import choose, small_trial

CLOCKS = ["ms_per_step", "seconds"]
METRICS = tuple(choose("metric", name) for name in ("modes", "position"))


def planted(**changes):
    """Return the planted collapse of `suites/planted_failures.yaml`, shorter."""
    network = ("mlp", {"latent": 8, "width": 64, "depth": 2, "d_width": 128, "d_depth": 3})
    optimizer = ("adam", {"lr": 1e-3, "betas": (0.5, 0.9), "lr_final": 0.02})
    ring = ("ring", {"count": 8, "radius": 2.0, "sigma": 0.05})
    given = {
        "dataset": ring,
        "seeds": (0, 1),
        "n_critic": 5,
        "batch": 64,
        "steps": 400,
        "log_every": 20,
        "evaluate_every": 20,
    }
    return small_trial(network=network, optimizer=optimizer, metrics=METRICS, **{**given, **changes})


def trained(trial, **options):
    trainer = Trainer(trial, **options)
    trainer.advance(float("inf"))
    return trainer


@pytest.fixture(scope="module")
def pair():
    """Return the same trial trained to its end and ended early."""
    return trained(planted()), trained(planted(stop={"collapsed": 0.33}))


def test_a_collapsed_trial_ends_early_with_its_reason(pair):
    whole, short = pair
    assert whole.stopped is None and whole.step == 400
    assert short.stopped is not None and 132 <= short.step <= 300  # a third of its steps is the least
    runs = short.tables().runs
    assert list(runs["status"]) == ["OK", "OK"]
    assert list(runs["stopped_at"]) == [short.step] * 2 and list(runs["steps"]) == [400] * 2
    assert all(reason.startswith("collapsed since step ") for reason in runs["stop_reason"])
    assert runs["modes_captured"].notna().all()
    assert short.step in short.tables().samples["steps"]


def test_its_rows_are_the_first_rows_of_the_whole_one(pair):
    whole, short = (trainer.tables() for trainer in pair)
    end = pair[1].step
    assert short.history["step"].max() == end
    names = ["run", "trial"]
    expected = whole.history[whole.history["step"] <= end].drop(columns=names).reset_index(drop=True)
    pd.testing.assert_frame_equal(short.history.drop(columns=names), expected, check_exact=True)


def test_the_verdict_is_that_of_the_whole_run(pair, tmp_path):
    found = [verdicts(load(made_run(tmp_path, {t.trial: t.tables()}, name=f"run{i}"))) for i, t in enumerate(pair)]
    assert list(found[0]["verdict"]) == list(found[1]["verdict"]) == ["total collapse"] * 2


def test_the_rule_is_the_verdicts_own():
    rules = [rule for rule in RULES if rule.verdict == "total collapse"]
    named = {(c.statistic, c.side, THRESHOLDS[c.threshold].value) for rule in rules for c in rule.conditions}
    assert ("spread", "<", POINT_LIKE) in named


def test_an_interrupted_trial_stops_where_an_uninterrupted_one_does(pair, tmp_path):
    """Also where the checkpoint was taken at the very step at which it stopped."""
    _, short = pair
    trial = planted(stop={"collapsed": 0.33})
    path = tmp_path / "checkpoint.pt"
    half = Trainer(trial)
    while half.step < short.step - 20:
        half.advance(0.0)
    half.save(path)
    for source in (None, short):
        if source is not None:
            source.save(path)
        resumed = trained(trial, checkpoint=path)
        assert resumed.stopped == short.stopped and resumed.step == short.step
        for name in ("runs", "history", "layers"):
            here, there = (getattr(t.tables(), name).drop(columns=CLOCKS, errors="ignore") for t in (resumed, short))
            pd.testing.assert_frame_equal(here, there, check_exact=True)


def test_a_healthy_trial_is_left_alone():
    trainer = trained(small_trial(metrics=METRICS, steps=60, evaluate_every=5, stop={"collapsed": 0.01}))
    assert trainer.stopped is None and trainer.step == 60
    assert bool(trainer.tables().runs["stopped_at"].isna().all())


def test_an_order_ends_a_trial_at_its_evaluation():
    trainer = Trainer(small_trial())
    trainer.advance(float("inf"), to_evaluation=True)
    assert trainer.step == 10
    trainer.stop(StopRequest(10, "stopped by asha"))
    assert trainer.finished and list(trainer.tables().runs["stop_reason"]) == ["stopped by asha"] * 3
    later = Trainer(small_trial())
    later.stop(StopRequest(10, "stopped by asha"))
    later.advance(float("inf"))
    assert later.step == 10
    pd.testing.assert_frame_equal(
        later.tables().history, trainer.tables().history, check_exact=True
    )  # the same however it learnt of it


def test_the_key_is_as_before_without_a_rule():
    """Results on disk from before trials could stop are found again."""
    canonical = small_trial().canonical()
    assert "stop" not in canonical and "search" not in canonical
    assert small_trial(stop={"collapsed": 0.33}).key != small_trial().key


STEPS = list(range(10, 110, 10))


@pytest.mark.parametrize(
    "spread, window, since",
    [
        ([1.0] * 5 + [0.1] * 5, 40, 60),
        ([1.0] * 5 + [0.1] * 5, 41, None),
        ([0.1] * 10, 90, 10),
        ([0.1] * 4 + [0.2] + [0.1] * 5, 50, None),
        ([0.1] * 9 + [np.nan], 1, None),
        ([0.15] * 10, 1, None),
    ],
)
def test_since_when_a_run_is_collapsed(spread, window, since):
    assert collapsed_since(np.array(spread), STEPS, window) == since


def test_few_evaluations_say_nothing():
    few = FEWEST_EVALUATIONS - 1
    assert collapsed_since(np.full(few, 0.01), STEPS[:few], 1) is None
    assert collapsed_since(np.full(few + 1, 0.01), STEPS[: few + 1], 1) == 10


def test_all_seeds_decide_and_diverged_ones_are_settled():
    collapsed, moving = np.full(10, 0.01), np.full(10, 1.0)
    both = np.stack([collapsed, moving], axis=1)
    assert all_finished_early([True, True], both, STEPS, 50, 8) is None
    reasons = all_finished_early([True, False], both, STEPS, 50, 8)
    assert reasons is not None and reasons[0].startswith("collapsed since step 10 ") and reasons[1] == ""
    assert all_finished_early([True, False], both, STEPS, 50, 1) is None
