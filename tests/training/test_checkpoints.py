"""Checkpoints that are damaged, of other versions or of nobody we know are refused as a whole, in one line."""

from __future__ import annotations

import copy
import os
import random

import pandas as pd
import pytest
import torch

from ganbench.core.errors import UsageError
from ganbench.sweep.jobs import TrialJob
from ganbench.training.checkpoint import CheckpointError
from ganbench.training.trainer import Trainer
from tests.helpers.sealed import read_checkpoint, write_checkpoint
from tests.helpers.trials import choose, small_trial

TRIAL = small_trial(diagnostics=(choose("diagnostic", "gradients"), choose("diagnostic", "cosine")))


def begun(path, trial=TRIAL, steps=7):
    trainer = Trainer(trial)
    while trainer.step < steps:
        trainer.advance(0.0)
    trainer.save(path)
    return read_checkpoint(path)


def refusal(path, trial=TRIAL):
    with pytest.raises(CheckpointError) as caught:
        Trainer(trial, checkpoint=path)
    text = str(caught.value)
    assert text.startswith(f"{path}: cannot be gone on from (") and "remove the file" in text and "\n" not in text
    return text


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "c.pt"
    return begun(path), path.read_bytes()


STATE = ("key", "writer", "step", "players", "ema", "earlier", "noise", "history", "layers", "snapshots")
STATE += ("last_finite_step", "alive", "seconds")


@pytest.mark.parametrize("name", STATE)
def test_one_that_lacks_something_is_refused(tmp_path, saved, name):
    state = dict(saved[0])
    del state[name]
    write_checkpoint(tmp_path / "c.pt", state)
    refusal(tmp_path / "c.pt")


@pytest.mark.parametrize("content", [torch.zeros(3), [1, 2], {}, {"key": 1}])
def test_something_else_is_refused(tmp_path, content):
    write_checkpoint(tmp_path / "c.pt", content)
    refusal(tmp_path / "c.pt")


def test_a_flipped_bit_or_a_cut_anywhere_is_noticed(tmp_path, saved):
    """SHA-256: the chance that one of 60 gets through is 60 in 2^256."""
    whole, chosen = saved[1], random.Random(1)
    for i in range(60):
        place = chosen.randrange(len(whole))
        flipped = whole[:place] + bytes([whole[place] ^ (1 << chosen.randrange(8))]) + whole[place + 1 :]
        (tmp_path / "c.pt").write_bytes(flipped if i % 2 else whole[:place])
        refusal(tmp_path / "c.pt")


def _of(state, path):
    for name in path[:-1]:
        state = state[name]
    return state, path[-1]


CHANGES = {
    "step of nobody": (("step",), lambda _: 10**9),
    "negative step": (("step",), lambda _: -3),
    "step of another type": (("step",), lambda _: "7"),
    "weights of another shape": (("players", "G", "flat"), lambda t: t[:, :-1]),
    "weights of another type": (("players", "D", "flat"), lambda t: t.double()),
    "weights of fewer seeds": (("players", "D", "flat"), lambda t: t[:1]),
    "memory of other seeds": (("players", "D", "memory"), lambda _: {"slow": torch.zeros(7, 3)}),
    "memory of no tensor": (("players", "D", "memory"), lambda _: {"slow": "x"}),
    "moments of another shape": (("players", "G", "optimizer", "state", 0, "exp_avg"), lambda t: t[:, :5]),
    "other betas": (("players", "G", "optimizer", "param_groups", 0, "betas"), lambda _: (0.1, 0.2)),
    "another mean of the weights": (("ema",), lambda _: torch.zeros(3)),
    "a column of fewer rows": (("history",), lambda h: {n: t[:-1] for n, t in h.items()}),
    "a column of another type": (("history",), lambda h: {n: t.float() for n, t in h.items()}),
    "layers of another shape": (("layers",), lambda rows: [[a, b, {"x": torch.zeros(2, 2)}] for a, b, _ in rows]),
    "layers of no layer": (("layers",), lambda _: [[1]]),
    "a place outside its block": (("noise",), lambda n: {k: {**v, "position": 10**6} for k, v in n.items()}),
    "generators of another size": (("noise",), lambda n: {k: {**v, "start": v["start"][:, :9]} for k, v in n.items()}),
    "a snapshot of no evaluation": (("snapshots",), lambda _: {3: torch.zeros(3, 4, 2)}),
    "seeds alive that made fewer steps": (("last_finite_step",), lambda t: t - 1),
    "a last step to come": (("last_finite_step",), lambda t: t + 100),
    "alive in another type": (("alive",), lambda t: t.long()),
    "times of nobody": (("seconds",), lambda _: [float("nan"), 1.0]),
    "another version": (("writer",), lambda w: {**w, "ganbench": "0.1.0"}),
    "another torch": (("writer",), lambda w: {**w, "torch": "1.0"}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_does_not_fit_the_trial_is_refused_although_its_checksum_is_right(tmp_path, saved, change):
    path, changed = CHANGES[change]
    state = copy.deepcopy(saved[0])
    place, name = _of(state, path)
    place[name] = changed(place[name])
    write_checkpoint(tmp_path / "c.pt", state)
    refusal(tmp_path / "c.pt")


def test_the_trial_of_a_refused_one_begins_anew_and_gives_the_same_numbers(tmp_path, caplog):
    job = TrialJob(TRIAL, TRIAL.key, tmp_path)
    begun(job.checkpoint)
    data = bytearray(job.checkpoint.read_bytes())
    data[len(data) // 2] ^= 1
    job.checkpoint.write_bytes(bytes(data))
    trainer = job.trainer()
    assert isinstance(trainer, Trainer)
    assert trainer.step == 0 and "begins anew" in caplog.text and "checksum" in caplog.text
    assert (tmp_path / "quarantine" / f"{TRIAL.key}-1.pt").read_bytes() == bytes(data)
    assert not job.checkpoint.exists()
    trainer.advance(float("inf"))
    whole = Trainer(TRIAL)
    whole.advance(float("inf"))
    pd.testing.assert_frame_equal(trainer.tables().history, whole.tables().history, check_exact=True)


class Trap:
    """Runs code where it is unpickled."""

    def __reduce__(self):
        return os.mkdir, (os.environ["TRAP"],)


def test_code_in_one_is_not_run(tmp_path, monkeypatch, saved):
    monkeypatch.setenv("TRAP", str(tmp_path / "sprung"))
    write_checkpoint(tmp_path / "c.pt", {**saved[0], "players": Trap()})
    refusal(tmp_path / "c.pt")
    assert not (tmp_path / "sprung").exists()


def test_one_judged_by_other_weights_is_refused(tmp_path, saved):
    assert saved[0]["extractor"] == "coordinates"
    write_checkpoint(tmp_path / "c.pt", {**saved[0], "extractor": "coordinates 01234567"})
    with pytest.raises(UsageError, match="was judged by coordinates 01234567 up to step 7.* now those of coordinates;"):
        Trainer(TRIAL, checkpoint=tmp_path / "c.pt")
