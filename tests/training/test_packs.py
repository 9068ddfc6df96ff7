"""A trial of many seeds, trained some at a time, beside the same trial whole."""

from __future__ import annotations

import functools
import math

import numpy as np
import pandas as pd
import pytest
import torch

from ganbench.core import trial as trials
from ganbench.sweep.jobs import TrialJob
from ganbench.sweep.trial_runner import TrialRunner
from ganbench.tables import part_store
from ganbench.training.packs import Packs
from ganbench.training.trainer import Trainer
from tests.helpers.local_runs import timeless
from tests.helpers.trials import choose, small_trial

SEEDS = (5, 0, 3, 8, 1, 2, 9)
READ = ("gradients", "losses", "updates", "path_angle", "lipschitz")


@pytest.fixture(autouse=True)
def three_at_a_time(monkeypatch):
    monkeypatch.setattr(trials, "MAX_LANES", 3)
    monkeypatch.setattr(trials, "MAX_LANES_OF_IMAGES", 2)


def trial_of(*tricks, **changes):
    return small_trial(
        *tricks, **{"seeds": SEEDS, "diagnostics": tuple(choose("diagnostic", name) for name in READ), **changes}
    )


def whole(trial):
    trainer = Trainer(trial)
    trainer.advance(math.inf)
    return trainer.tables()


def in_packs(trial, folder, **options):
    packs = TrialJob(trial, trial.key, folder, **options).trainer()
    assert isinstance(packs, Packs)
    while not packs.finished:
        packs.advance(math.inf)
    return packs.tables()


def assert_same(tables, others):
    assert tables.columns == others.columns
    for name in ("runs", "history", "layers"):
        left, right = (timeless(getattr(one, name), one.columns) for one in (tables, others))
        left, right = (one.drop(columns=["ms_per_step", "seconds"], errors="ignore") for one in (left, right))
        assert len(left)
        pd.testing.assert_frame_equal(left, right, check_exact=True)
    for name, array in tables.samples.items():
        np.testing.assert_array_equal(array, others.samples[name])


@pytest.mark.parametrize(
    "tricks, changes",
    [
        ((), {}),
        ((("r1", {}), ("instance_noise", {})), {"n_critic": 2, "ema": 0.9}),
        ((), {"dataset": ("shapes", {"size": 16}), "network": ("dcgan", {"channels": 4}), "samples": 64, "batch": 32}),
    ],
    ids=["plain", "tricks", "images"],
)
def test_the_tables_are_those_of_all_seeds_at_once(tmp_path, tricks, changes):
    trial = trial_of(*tricks, **changes)
    assert len(trial.packs) == (4 if "dataset" in changes else 3)
    assert [seed for pack in trial.packs for seed in pack.seeds] == list(SEEDS)
    assert_same(in_packs(trial, tmp_path), whole(trial))


def test_a_pack_whose_seeds_all_diverge_ends_and_the_others_go_on(tmp_path):
    trial = trial_of()

    def broken(part, seeds):
        trainer = Trainer(part)
        trainer.g.flat.data[seeds] = math.nan
        return trainer

    packs = Packs(
        trial, [functools.partial(broken, pack, slice(0, 2 * (i == 0))) for i, pack in enumerate(trial.packs)]
    )
    assert packs.progress()["alive"] == 7
    while not packs.finished:
        packs.advance(math.inf)
    together = broken(trial, slice(0, 2))
    together.advance(math.inf)
    tables, others = packs.tables(), together.tables()
    assert list(tables.runs["status"]) == ["DIVERGED"] * 2 + ["OK"] * 5
    assert packs.progress()["alive"] == 5
    healthy = tables.samples["samples"][:, 2:], others.samples["samples"][:, 2:]
    np.testing.assert_array_equal(*healthy)
    tables.samples.clear()
    assert_same(tables, others)


def test_a_resumed_trial_goes_on_with_the_pack_that_it_was_at(tmp_path, monkeypatch):
    trial = trial_of()
    job = TrialJob(trial, trial.key, tmp_path)
    first = job.trainer()
    first.advance(math.inf)
    first.advance(0.0)
    assert isinstance(first, Packs) and first.step == (2 * 20 + 2 * 1) // 7
    assert len(job.checkpoints()) == 1
    steps = []
    advance = Trainer._one_step
    monkeypatch.setattr(Trainer, "_one_step", lambda self: (steps.append(self.trial.seeds), advance(self))[1])
    assert_same(in_packs(trial, tmp_path), whole(trial))
    assert {seeds: steps.count(seeds) for seeds in set(steps)} == {SEEDS[2:4]: 20, SEEDS[4:]: 20, SEEDS: 20}


def test_a_pack_with_a_damaged_checkpoint_begins_anew(tmp_path, caplog):
    trial = trial_of()
    job = TrialJob(trial, trial.key, tmp_path)
    job.trainer().advance(math.inf)
    (saved,) = job.checkpoints()
    saved.write_bytes(saved.read_bytes()[:-100])
    assert_same(in_packs(trial, tmp_path), whole(trial))
    assert "begins anew" in caplog.text and len(list((tmp_path / "quarantine").iterdir())) == 1


def test_the_runner_reports_all_seeds_and_leaves_a_part_and_no_checkpoint(tmp_path):
    trial = trial_of()
    job = TrialJob(trial, trial.key, tmp_path)
    runner = TrialRunner(job)
    reports = [runner.advance(math.inf)]
    while reports[-1].status is None:
        reports.append(runner.advance(math.inf))
    assert [report.share for report in reports] == sorted(report.share for report in reports)
    assert reports[-1].numbers["diverged"] == 0
    runs = part_store.read_table(tmp_path, trial.key, "runs")
    assert runs is not None and list(runs["seed"]) == list(SEEDS)
    assert reports[-1].numbers["modes_captured"] == pytest.approx(runs["modes_captured"].mean())
    assert job.checkpoints() == []


def test_what_looks_at_all_seeds_or_trains_elsewhere_is_not_split(tmp_path, monkeypatch):
    trial = trial_of()
    assert trial_of(stop={"collapsed": 0.5}).packs[0].seeds == SEEDS
    assert trial_of(seeds=(1, 2, 3)).packs == (trial_of(seeds=(1, 2, 3)),)
    assert len(TrialJob(trial, trial.key, tmp_path).packs) == 3
    assert len(TrialJob(trial, trial.key, tmp_path, objective=("fid", "min")).packs) == 1
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert len(TrialJob(trial, trial.key, tmp_path, device="cuda").packs) == 1
