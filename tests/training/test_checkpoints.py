"""Checkpoints of other versions, or of nobody we know: gone on from where that is right, passed over elsewhere."""

from __future__ import annotations

import os

import pandas as pd
import pytest
import torch

from ganbench.core.errors import UsageError
from ganbench.training.trainer import KEPT, Trainer
from tests.helpers.trials import choose, small_trial


def begun(path, trial, steps=7):
    trainer = Trainer(trial)
    while trainer.step < steps:
        trainer.advance(0.0)
    trainer.save(path)
    return torch.load(path, weights_only=True)


def history(trainer):
    trainer.advance(float("inf"))
    return trainer.tables().history


@pytest.mark.parametrize("diagnostic, step", [("gradients", 7), ("cosine", 0)])
def test_one_from_before_gradients_were_kept(tmp_path, diagnostic, step):
    """It holds all that training needs, but not what some diagnostics read; either way the numbers are the same."""
    trial = small_trial(diagnostics=(choose("diagnostic", diagnostic),))
    state = begun(tmp_path / "c.pt", trial)
    del state["earlier"]
    torch.save(state, tmp_path / "c.pt")
    resumed = Trainer(trial, checkpoint=tmp_path / "c.pt")
    assert resumed.step == step
    pd.testing.assert_frame_equal(history(resumed), history(Trainer(trial)), check_exact=True)


@pytest.mark.parametrize("name", sorted(KEPT))
def test_one_that_lacks_something_is_passed_over(tmp_path, name):
    trial = small_trial()
    state = begun(tmp_path / "c.pt", trial)
    del state[name]
    torch.save(state, tmp_path / "c.pt")
    assert Trainer(trial, checkpoint=tmp_path / "c.pt").step == 0


@pytest.mark.parametrize("content", [torch.zeros(3), [1, 2], {}, {"key": 1}])
def test_something_else_is_passed_over(tmp_path, content):
    torch.save(content, tmp_path / "c.pt")
    assert Trainer(small_trial(), checkpoint=tmp_path / "c.pt").step == 0


class Trap:
    """Runs code where it is unpickled."""

    def __reduce__(self):
        return os.mkdir, (os.environ["TRAP"],)


def test_code_in_one_is_not_run(tmp_path, monkeypatch):
    monkeypatch.setenv("TRAP", str(tmp_path / "sprung"))
    torch.save({"key": small_trial().key, "players": Trap()}, tmp_path / "c.pt")
    assert Trainer(small_trial(), checkpoint=tmp_path / "c.pt").step == 0
    assert not (tmp_path / "sprung").exists()


def test_one_judged_by_other_weights_is_refused(tmp_path):
    trial = small_trial()
    state = begun(tmp_path / "c.pt", trial)
    assert state["extractor"] == "coordinates"
    torch.save({**state, "extractor": "coordinates 01234567"}, tmp_path / "c.pt")
    with pytest.raises(UsageError, match="was judged by coordinates 01234567 up to step 7.* now those of coordinates;"):
        Trainer(trial, checkpoint=tmp_path / "c.pt")
    del state["extractor"]  # written before it was kept
    torch.save(state, tmp_path / "c.pt")
    assert Trainer(trial, checkpoint=tmp_path / "c.pt").step == 7
