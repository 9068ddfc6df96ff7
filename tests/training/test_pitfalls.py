"""Mistakes that public implementations make, each held off: what is reported, and whose statistics batch norm uses."""

from __future__ import annotations

import pytest
import torch

from ganbench.training.noise import PackedNoise
from ganbench.training.setup import TrialSetup
from ganbench.training.step import gan_step
from ganbench.training.trainer import Trainer
from tests.helpers.frames import where
from tests.helpers.present import present
from tests.helpers.trials import choose, small_trial

CPU = torch.device("cpu")


def test_the_last_evaluation_is_reported_and_not_the_best():
    """Training that goes wrong half way: its best FID lies before its end."""
    trial = small_trial(
        optimizer=("adam", {"lr": 0.03}),
        steps=120,
        evaluate_every=5,
        log_every=60,
        seeds=tuple(range(6)),
        metrics=(choose("metric", "modes"), choose("metric", "fid", every=5)),
    )
    trainer = Trainer(trial)
    trainer.advance(float("inf"))
    tables = trainer.tables()
    better = 0
    for run, reported in zip(tables.runs["run"], tables.runs["fid"], strict=True):
        course = where(tables.history, run=run).dropna(subset=["fid"]).set_index("step")["fid"]
        assert course.index[-1] == trial.steps
        assert reported == course.iloc[-1]
        better += course.min() < reported
    assert better >= 4  # else the best and the last would be the same


def first_pass(mean, norm):
    trial = small_trial(
        dataset=("gaussian", {"mean": mean, "dimension": 2}),
        network=("mlp", {"d_norm": norm, "latent": 4, "width": 16}),
        seeds=(0, 1),
    )
    setup = TrialSetup(trial, CPU)
    d, g = setup.players(trial.seeds)
    buffers = {name: value.clone() for name, value in d.buffers.items()}
    step = gan_step(setup, d, g, PackedNoise(trial.seeds, CPU), 1)
    return step.d, buffers, d.buffers


@pytest.mark.parametrize("norm", ["batch", "none"])
def test_batch_norm_of_real_and_fake_samples_is_that_of_their_own_batches(norm):
    """What D says of fakes does not depend on the real batch beside them: as in the papers, batches are not mixed."""
    (here, before, after), (there, _, _) = first_pass((1.0,), norm), first_pass((-5.0,), norm)
    assert torch.equal(here.fake_logits, there.fake_logits)
    assert not torch.equal(present(here.real_logits), present(there.real_logits))
    moved = [name for name in after if not torch.equal(before[name], after[name])]
    assert bool(moved) == (norm == "batch")
