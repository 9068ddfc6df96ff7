"""Samples of any kind and size: at most 64 numbers of each are compared, and none is kept."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import ganbench
from ganbench.extractors import Extractor
from ganbench.monitor.embedding import MOST, embedding_of, log_mel, pixels, projected
from ganbench.monitor.pictures import LARGEST, grid, range_of, thumbnails
from ganbench.monitor.reference import Reference
from ganbench.tables.results import load
from tests.helpers.present import present

BATCH = 20


class Made(nn.Module):
    """Samples of any shape and type out of eight numbers."""

    def __init__(self, shape, dtype=torch.float32):
        super().__init__()
        self.shape, self.dtype = shape, dtype
        self.linear = nn.Linear(8, 16)

    def forward(self, z):
        numbers = self.linear(z).repeat(1, math.prod(self.shape) // 16 + 1)[:, : math.prod(self.shape)]
        return numbers.reshape(-1, *self.shape).to(self.dtype)


class Read(nn.Module):
    """A number for any sample."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(1, 1)

    def forward(self, x):
        return self.linear((x.abs() if x.is_complex() else x.float()).flatten(1).mean(1, keepdim=True))


def train(folder, shapes, dtype=torch.float32, steps=8, spoil=None, **options):
    g, d = Made(shapes[0], dtype), Read()
    optimizer = torch.optim.SGD([*g.parameters(), *d.parameters()], lr=0.01)
    options = {"log_every": 2, "evaluate_every": 2, "samples": BATCH, **options}
    with ganbench.Monitor(g, d, folder, **options) as monitor:
        for i in range(steps):
            g.shape = shapes[i * len(shapes) // steps]
            optimizer.zero_grad()
            fake, real = g(torch.randn(BATCH, 8)), torch.randn(BATCH, *g.shape).to(dtype)
            real = spoil(real) if spoil is not None else real
            answers = d(fake)
            answers.mean().backward()
            optimizer.step()
            monitor.step(real=real, fake=fake, fake_logits=answers, real_logits=d(real))
    return load(monitor.folder), monitor


@pytest.mark.parametrize(
    "shape, dtype, options, name",
    [
        ((5,), torch.float32, {}, "coordinates"),
        ((200,), torch.float32, {}, "random projection"),
        ((1, 8192), torch.float32, {}, "random projection"),
        ((1, 8192), torch.float32, {"kind": "audio"}, "log-mel"),
        ((100,), torch.float32, {"kind": "audio"}, "log-mel"),
        ((1, 8, 16, 16), torch.float32, {}, "random projection"),
        ((3, 4, 2, 16, 16), torch.float32, {}, "random projection"),
        ((20, 7), torch.float32, {}, "random projection"),
        ((1, 16, 16), torch.bfloat16, {}, "pixels"),
        ((7, 32, 32), torch.float32, {}, "pixels"),
        ((2, 16, 16), torch.complex64, {}, "random projection"),
        ((12,), torch.float64, {}, "coordinates"),
    ],
)
def test_samples_of_any_shape_and_type_are_judged(tmp_path, shape, dtype, options, name):
    results, monitor = train(tmp_path / "run", [shape], dtype, **options)
    reference = present(present(monitor._watch).samples.reference)
    assert results.runs["extractor"][0] == name and bool(results.runs["n_real"][0] == BATCH)
    assert present(present(reference.evaluator).real).features.shape[1] <= MOST
    assert len(results.history["total_spread"].dropna()) >= 3
    assert len(results.history["d_auc"].dropna()) >= 3


def test_a_resolution_may_change(tmp_path, caplog):
    """Images of any size are averaged to the same 8×8; what cannot be compared begins anew, and is said."""
    images, _ = train(tmp_path / "images", [(3, 4, 4), (3, 8, 8), (3, 32, 32)], steps=12)
    assert len(images.history["total_spread"].dropna()) >= 4 and "samples are" not in caplog.text
    waves, _ = train(tmp_path / "waves", [(1, 256), (1, 512)], steps=16)
    assert "samples are [1, 512] now, and were [1, 256]" in caplog.text
    looked = waves.history.dropna(subset=["total_spread"])["step"]
    assert min(looked.tolist()) < 8 < max(looked.tolist())


def test_no_sample_and_no_graph_is_kept(tmp_path):
    """Of 64 MiB of samples a step; what is left is features and small pictures."""
    seen = []
    results, monitor = train(tmp_path / "run", [(1, 512, 512)], steps=6, spoil=lambda real: seen.append(real) or real)
    held, size = {}, 0
    todo: list[object] = [monitor._watch, present(monitor._watch).catcher]
    while todo:
        it = todo.pop()
        if id(it) in held:
            continue
        held[id(it)] = it
        if isinstance(it, Tensor):
            size += it.untyped_storage().nbytes()
            assert not it.requires_grad
        elif isinstance(it, dict):
            todo += it.values()
        elif isinstance(it, list | tuple | set):
            todo += it
        elif type(it).__module__.startswith("ganbench"):
            todo += [getattr(it, name, None) for name in (*vars(it), *getattr(it, "__slots__", ()))]
    pictures = results.samples[next(iter(results.samples))]
    assert size < 8 << 20 and pictures["samples"].shape[2:] == (BATCH, 1, LARGEST, LARGEST)


@pytest.mark.parametrize("given", [False, True])
def test_nan_in_real_data_is_said_at_once_with_how_many_and_where(tmp_path, caplog, given):
    def spoil(real):
        real = real.clone()
        real[3, 1, 2] = math.nan
        real[5] = math.inf
        return real

    data: dict[str, Any] = {"data": spoil(torch.randn(60, 4, 5))} if given else {}
    results, _ = train(tmp_path / "run", [(4, 5)], spoil=None if given else spoil, **data)
    (line,) = [r.getMessage() for r in caplog.records if "NaN" in r.getMessage()]
    assert "21 numbers in 2 of the" in line and "in sample 3 at (1, 2)" in line
    assert len(results.history["total_spread"].dropna()) >= 2


def test_audio_is_told_apart_by_pitch_and_loudness_and_not_by_phase():
    time = torch.arange(8192) / 22_050
    tone = lambda hertz, loud=1.0, phase=0.0: loud * torch.sin(2 * torch.pi * hertz * time + phase)[None]  # noqa: E731
    a, shifted, higher, louder = (
        log_mel(x[None])[0] for x in (tone(440), tone(440, phase=1.0), tone(1760), tone(440, 4.0))
    )
    assert a.shape == (64,)
    assert float((a - shifted).norm()) < 0.2 * float((a - higher).norm())
    # Four times as loud is sixteen times the power, in the band of the tone and in each quarter of the time.
    band = a.view(16, 4).mean(1).argmax()
    assert (louder - a).view(16, 4)[band].tolist() == [pytest.approx(math.log(16), rel=1e-3)] * 4


def test_a_projection_keeps_squared_distances_in_the_mean():
    """With 64 sums the relative error of one distance is √(2/64) = 0.18, of the mean of 500 pairs 0.008."""
    x = torch.randn(500, 8192, generator=torch.Generator().manual_seed(0)) * torch.linspace(0, 2, 8192)
    true, kept = ((a[:-1] - a[1:]).square().sum(1) for a in (x, projected(x)))
    assert float((kept / true).mean()) == pytest.approx(1.0, abs=0.05)
    assert float((kept / true).std()) == pytest.approx(math.sqrt(2 / 64), rel=0.2)
    assert torch.equal(projected(x[:3]), projected(x)[:3])


def test_images_of_one_colour_are_averaged_to_eight_by_eight():
    image = torch.arange(16.0).repeat_interleave(2)[None, None, :, None].expand(1, 1, 32, 32)[:, :, ::2, ::2]
    assert pixels(image)[0].view(8, 8)[:, 0].tolist() == [i * 2 + 0.5 for i in range(8)]
    assert embedding_of((3, 64, 64)).function(torch.rand(2, 3, 64, 64)).shape == (2, 64)


def test_pictures_are_small_bytes():
    bytes_ = thumbnails(torch.linspace(0, 255, 256).expand(90, 5, 256, 256), (128, 128), (0.0, 255.0))
    assert bytes_.shape == (64, 1, 128, 128) and bytes_.dtype == torch.uint8
    assert bytes_[0, 0, 0, [0, -1]].tolist() == [0, 254]
    laid = grid(torch.arange(5, dtype=torch.uint8)[:, None, None, None].expand(5, 1, 2, 3))
    assert laid.shape == (4, 9, 3) and laid[::2, ::3, 0].tolist() == [[0, 1, 2], [3, 4, 0]]


def test_numbers_of_any_kind_are_taken(tmp_path):
    """NumPy's, lists, and losses of several numbers, whose mean is logged."""
    g, d = Made((4,)), Read()
    optimizer = torch.optim.SGD([*g.parameters(), *d.parameters()], lr=0.01)
    with ganbench.Monitor(g, d, tmp_path / "run", log_every=1, evaluate_every=1, samples=5) as monitor:
        for _ in range(4):
            fake = g(torch.randn(10, 8))
            d(fake).mean().backward()
            optimizer.step()
            monitor.step(
                real=np.random.default_rng(0).normal(size=(10, 4)),
                fake=fake.detach().numpy(),
                real_logits=[0.5, 1.0, 2.0],
                fake_logits=np.array([-1, -2], np.float32),
                d_loss=np.float32(0.25),
                g_loss=[1.0, 2.0, 6.0],
            )
    history = load(tmp_path / "run").history
    assert history["d_loss"].tolist() == [0.25] * 4 and history["g_loss"].tolist() == [3.0] * 4
    assert history["real_logit_mean"].tolist() == [pytest.approx(3.5 / 3)] * 4
    assert bool(history["total_spread"].notna().any())


class Tuple(Made):
    def forward(self, z):
        return {"extra": torch.zeros(()), "image": super().forward(z)}


@pytest.mark.parametrize("what", ["dict", "width", "pairs"])
def test_what_cannot_be_read_is_left_out_with_one_line_at_the_start(tmp_path, caplog, what):
    g = Tuple((4,)) if what == "dict" else Made((4,))
    d = Read()
    if what == "pairs":
        d.forward = lambda x, y: d.linear(x[:, :1] + y)  # pyright: ignore[reportAttributeAccessIssue] - on purpose
    optimizer = torch.optim.SGD([*g.parameters(), *d.parameters()], lr=0.01)
    latents = torch.randn(20, 8 if what == "dict" else 3)
    names = ["gradients", "critic_slope"]
    with ganbench.Monitor(
        g, d, tmp_path / "run", latents=latents, diagnostics=names, log_every=1, evaluate_every=2, samples=20
    ) as monitor:
        for _ in range(6):
            fake = g(torch.randn(20, 8))
            fake = fake["image"] if isinstance(fake, dict) else fake
            (d(fake, torch.ones(20, 1)) if what == "pairs" else d(fake)).mean().backward()
            optimizer.step()
            monitor.step(real=torch.randn(20, 4), fake=fake)
    history = load(tmp_path / "run").history
    assert bool(history["grad_norm_g"].notna().all()) and bool(history["total_spread"].notna().any())
    out = [r.getMessage() for r in caplog.records if "is left out" in r.getMessage()]
    assert [line.split()[1:4] for line in out] == {
        "dict": [],
        "width": [["latents=", "is", "left"]],
        "pairs": [["latents=", "is", "left"], ["the", "diagnostic", "critic_slope"]],
    }[what]


@dataclass(frozen=True)
class Brightness(Extractor):
    """Stands for a network whose weights are a large file."""

    name = "brightness"
    takes = (-1.0, 1.0)

    def extract(self, samples):
        return samples.flatten(1).mean(1, keepdim=True)


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda x: x, None),
        (lambda x: (x + 1) / 2, "lie in [0, 1]"),
        (lambda x: (x + 1) * 127.5, "lie in [0, 255]"),
        (lambda x: 2 * x, "lie in [-2, 2]"),
    ],
)
def test_images_out_of_the_range_of_their_features_are_said_once(change, said, caplog, monkeypatch):
    monkeypatch.setattr("ganbench.monitor.reference.extractor_of", lambda chosen: Brightness())
    reference = Reference(8, "brightness", None, (), torch.device("cpu"))
    real = torch.linspace(-1, 1, 8 * 16).reshape(8, 1, 4, 4)
    for _ in range(2):
        reference.offer(change(real))
    lines = [record.getMessage() for record in caplog.records]
    if said is None:
        assert lines == []
    else:
        (line,) = lines
        assert said in line and "the features brightness take images in [-1, 1]" in line and "remedy: give" in line


@pytest.mark.parametrize(
    ("ends", "drawn"),
    [
        ((-1.0, 1.0), (-1.0, 1.0)), ((-0.98, 0.4), (-1.0, 1.0)), ((0.0, 1.0), (0.0, 1.0)), ((0.0, 0.2), (0.0, 1.0)),
        ((0.0, 255.0), (0.0, 255.0)), ((3.0, 180.0), (0.0, 255.0)), ((-1.0005, 1.0), (-1.0, 1.0)),
        ((-2.1, 2.6), (-2.1, 2.6)), ((-1000.0, 3071.0), (-1000.0, 3071.0)), ((0.0, 12.5), (0.0, 12.5)),
        ((0.0, 65_535.0), (0.0, 65_535.0)), ((900.0, 1100.0), (0.0, 1100.0)),
    ],
)  # fmt: skip
def test_pictures_are_drawn_in_the_range_of_the_data(ends, drawn):
    """Rain, Hounsfield units and standardised images are neither black nor white."""
    assert range_of(*ends) == drawn


def test_samples_of_another_length_leave_the_tables_whole(tmp_path, caplog):
    """Their pictures are lists of numbers that cannot lie side by side."""
    results, _ = train(tmp_path / "run", [(6,), (9,)], steps=24)
    assert "failed" not in caplog.text and max(results.history["step"]) >= 23
    pictures = results.samples[next(iter(results.samples))]
    assert pictures["samples"].shape[-1] == pictures["real"].shape[-1] == 9


def test_samples_of_another_shape_than_data_are_said_with_both_shapes(tmp_path, caplog):
    generator, discriminator = nn.Linear(4, 64), nn.Linear(64, 1)
    monitor = ganbench.Monitor(generator, discriminator, tmp_path / "run", data="digits", samples=32, evaluate_every=2)
    optimizer = torch.optim.SGD(generator.parameters(), 0.1)
    for _ in range(4):
        fake = generator(torch.randn(32, 4))
        fake.mean().backward()
        optimizer.step()
        monitor.step(fake=fake)
    monitor.close()
    (line,) = (text for text in caplog.messages if "generated samples are" in text)
    assert "[64], and those of data= [1, 8, 8]" in line and "features=" in line and "IndexError" not in caplog.text
