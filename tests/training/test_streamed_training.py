"""Images that do not fit: streamed from a file, to the same bits as from memory; no thread stays, no error is lost."""

from __future__ import annotations

import threading

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from ganbench.core.streams import stream
from ganbench.datasets._bytes import ByteImages, Rows
from ganbench.datasets._prefetch import GROUP_STEPS, Prefetch
from ganbench.training.noise import MAX_BLOCK_STEPS
from ganbench.training.trainer import Trainer
from tests.helpers.present import present
from tests.helpers.trials import choose, small_trial

CPU = torch.device("cpu")
STEPS = MAX_BLOCK_STEPS + 6


@pytest.fixture(autouse=True)
def pictures(tmp_path, monkeypatch):
    """A folder of 100 pictures, whose bytes are kept in a cache of the test's own."""
    folder = tmp_path / "data/images/all"
    folder.mkdir(parents=True)
    for i in range(100):
        pixels = np.random.default_rng(i).integers(0, 256, (9, 11, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i:03d}.png")
    monkeypatch.setenv("GANBENCH_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def trial(**changes):
    defaults = {
        "dataset": ("image_folder", {"size": 8}),
        "seeds": (0, 1, 2, 3, 4),
        "steps": STEPS,
        "evaluate_every": 10,
        "samples": 20,
        "metrics": tuple(choose("metric", name) for name in ("fid", "memorisation")),
        "diagnostics": tuple(choose("diagnostic", name) for name in ("gradients", "losses", "duality_gap")),
    }
    return small_trial(**defaults | changes)


def trained(monkeypatch, mebibytes, checkpoint=None, resume_at=None, **changes):
    """Return the trainer of a trial that may hold so much in memory, resumed from a checkpoint at a step."""
    monkeypatch.setenv("GANBENCH_IMAGE_MIB", str(mebibytes))
    trainer = Trainer(trial(**changes), checkpoint=checkpoint)
    if resume_at:
        while trainer.step < resume_at:
            trainer.advance(0.0)
        trainer.save(present(checkpoint))
        trainer = Trainer(trial(**changes), checkpoint=checkpoint)
        assert trainer.step == resume_at
    trainer.advance(float("inf"))
    return trainer


def images_of(trainer) -> ByteImages:
    assert isinstance(trainer.setup.data, ByteImages)
    return trainer.setup.data


def same(one, other):
    a, b = one.tables(), other.tables()
    pd.testing.assert_frame_equal(a.history, b.history, check_exact=True)
    clocks = ["ms_per_step", "seconds"]
    pd.testing.assert_frame_equal(a.runs.drop(columns=clocks), b.runs.drop(columns=clocks), check_exact=True)
    assert a.history["memorisation"].notna().any()
    assert all(torch.equal(p.flat, q.flat) for p, q in ((one.d, other.d), (one.g, other.g)))


@pytest.mark.parametrize("changes", [{}, {"n_critic": 3, "loss": ("relativistic_paired", {})}, {"n_generator": 2}])
def test_streamed_is_in_memory_to_the_bit(monkeypatch, changes):
    streamed, memory = (trained(monkeypatch, size, **changes) for size in (0, 1000))
    assert images_of(streamed)._prefetch is not None
    assert images_of(memory)._prefetch is None
    same(streamed, memory)


@pytest.mark.parametrize("at", [1, GROUP_STEPS + 1, MAX_BLOCK_STEPS // 2, MAX_BLOCK_STEPS // 2 + 1])
def test_streamed_goes_on_from_a_checkpoint(monkeypatch, tmp_path, at):
    """A step takes two minibatches, so MAX_BLOCK_STEPS / 2 is where one block of them ends."""
    loss = ("relativistic_paired", {})
    same(trained(monkeypatch, 0, tmp_path / "c.pt", at, loss=loss), trained(monkeypatch, 1000, loss=loss))


def test_training_is_fetched_ahead(monkeypatch):
    """All but what was never announced comes from the background: the minibatches of every step do."""
    asked, fetched = [], []
    take, started = Prefetch.gather, threading.Thread.start

    def counted(self, drawn):
        before = len(self._here) + (self._coming is not None)
        images = take(self, drawn)
        asked.append((drawn.shape, before))
        return images

    def counted_start(self):
        fetched.append(self.name)
        started(self)

    monkeypatch.setattr(Prefetch, "gather", counted)
    monkeypatch.setattr(threading.Thread, "start", counted_start)
    gathers = []
    monkeypatch.setattr(
        "ganbench.datasets._prefetch.gathered", lambda rows, which, device: gathers.append(which.shape) or rows[which]
    )
    trained(monkeypatch, 0, diagnostics=())
    assert [shape for shape, _ in asked if len(shape) == 2] == [(5, 16)] * STEPS
    assert not [shape for shape in gathers if len(shape) == 2]
    assert fetched.count("ganbench prefetch") == STEPS // GROUP_STEPS + 2  # the last was never asked for


def test_a_training_set_is_described_some_at_a_time(monkeypatch):
    monkeypatch.setattr("ganbench.training.evaluation.TRAINING_CHUNK", 7 * 3 * 8 * 8)
    sizes, read = [], Rows.__getitem__
    monkeypatch.setattr(
        Rows, "__getitem__", lambda self, which: sizes.append(len(read(self, which))) or read(self, which)
    )
    some = trained(monkeypatch, 0)
    assert [size for size in sizes if size > 1] == [7] * 11 + [3]  # one is looked at for its size
    monkeypatch.undo()
    whole = present(some.evaluator.real.training)
    assert torch.equal(whole, some.evaluator.extractor.extract(images_of(some).train[:]))


def test_no_thread_is_left(monkeypatch):
    before = set(threading.enumerate())
    trainer = trained(monkeypatch, 0)
    for thread in set(threading.enumerate()) - before:
        thread.join(10)  # the last group was never asked for
    assert set(threading.enumerate()) == before
    assert trainer.finished


def rows(n=1000):
    return torch.randint(
        0, 256, (n, 3, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(stream(0, "t"))
    )


def test_whatever_is_asked_for_is_right():
    """Announced or not, in order or not, forgotten or asked for twice."""
    images = rows()
    generator = torch.Generator().manual_seed(1)
    blocks = [torch.randint(0, len(images), (13, 2, 5), generator=generator) for _ in range(3)]
    prefetch = Prefetch(images, CPU)
    prefetch.prefetch(blocks[0])
    for drawn in (
        blocks[0][0],
        blocks[0][0],
        blocks[0][7],
        blocks[1][2],
        blocks[0][3],
        *blocks[0][8:],
        blocks[0][12],
        torch.tensor([3, 1]),
        torch.tensor(4),
    ):
        assert torch.equal(prefetch.gather(drawn), images[drawn])
    prefetch.prefetch(blocks[1])
    assert torch.equal(prefetch.gather(blocks[1][0]), images[blocks[1][0]])
    prefetch.prefetch(blocks[2])
    for drawn in (*blocks[2], *blocks[1]):
        assert torch.equal(prefetch.gather(drawn), images[drawn])


def test_the_next_steps_come_while_nobody_asks():
    images = rows()
    prefetch = Prefetch(images, CPU)
    block = torch.arange(640).reshape(64, 2, 5)
    prefetch.prefetch(block)
    prefetch.gather(block[0])
    coming = prefetch._coming
    assert coming is not None
    coming._thread.join(10)
    assert coming._images is not None
    assert torch.equal(coming._images, images[block[GROUP_STEPS : 2 * GROUP_STEPS]])


def test_what_is_fetched_is_bounded():
    images = rows()
    prefetch = Prefetch(images, CPU)
    block = torch.zeros(64, 2, 5, dtype=torch.int64)
    prefetch.prefetch(block)
    most = 0
    for drawn in block:
        prefetch.gather(drawn)
        coming = prefetch._coming
        most = max(most, len(prefetch._here) + (0 if coming is None else len(coming.indices)))
    assert GROUP_STEPS <= most <= 2 * GROUP_STEPS
    assert prefetch._coming is None
    assert not prefetch._here


def test_an_error_of_the_thread_surfaces():
    prefetch = Prefetch(rows(10), CPU)
    block = torch.zeros(8, 2, 5, dtype=torch.int64)
    block[5] = 10  # there is no such row
    prefetch.prefetch(block)
    assert prefetch.gather(block[0]).shape == (2, 5, 3, 4, 4)
    with pytest.raises(IndexError, match="out of range"):
        prefetch.gather(block[4])


def test_dequantising_noise_is_each_seeds_own_and_not_judged(monkeypatch):
    """Packed = alone; real samples that are judged, and their floor, have none."""
    changes = {"dataset": ("image_folder", {"size": 8, "dequantise": "uniform"}), "batch": 32, "steps": 4}
    packed, alone = (trained(monkeypatch, 1000, **changes, seeds=seeds) for seeds in ((0, 1), (1,)))
    assert torch.equal(packed.d.flat[1], alone.d.flat[0])
    plain = trained(monkeypatch, 1000, **changes | {"dataset": ("image_folder", {"size": 8})}, seeds=(1,))
    assert torch.equal(plain.evaluator.real.points, alone.evaluator.real.points)
    assert plain.evaluator.floors == alone.evaluator.floors
    assert not torch.equal(plain.d.flat, alone.d.flat)


def test_dequantising_noise_fills_a_grey_level(monkeypatch):
    """122,880 uniform numbers: means of it and |it| beyond 4.5 standard errors are false alarms at 7e-6 each."""
    from ganbench.training.step import PackedStep

    trainers = [
        Trainer(trial(dataset=("image_folder", {"size": 8, "dequantise": kind}), batch=128))
        for kind in ("none", "uniform")
    ]
    clean, noisy = (PackedStep(t.setup, t.d, t.g, t.noise, 0.0, False).minibatch() for t in trainers)
    noise = ((present(noisy.real) - present(clean.real)) * 255 / 2).double()
    assert noise.abs().max() <= 0.5 + 1e-4
    error = 4.5 / (12 * noise.numel()) ** 0.5
    assert abs(noise.mean()) < error
    assert abs(noise.abs().mean() - 0.25) < error / 2
