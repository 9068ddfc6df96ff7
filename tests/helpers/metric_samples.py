"""Sets of samples with known modes, as metrics see them."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ganbench.datasets._mixture import Mixture
from ganbench.datasets.ring import Ring
from ganbench.metrics import Sample

RING = Ring(count=8, radius=2.0, sigma=0.05)
CPU = torch.device("cpu")


def generator(seed: int) -> torch.Generator:
    """Return a generator of that seed."""
    return torch.Generator().manual_seed(seed)


def points(n: int, seed: int, sets: int | None = None, modes: tuple[int, ...] = tuple(range(8)), widen=1.0) -> Tensor:
    """Return `[n, 2]` or `[sets, n, 2]` points of the ring of 8, radius 2 and σ 0.05, from some of its modes alone."""
    data, lead = RING.load(CPU), () if sets is None else (sets,)
    mode = torch.tensor(modes)[torch.randint(len(modes), (*lead, n), generator=generator(seed))]
    noise = torch.randn(*lead, n, 2, generator=generator(seed + 10_000))
    return data.centres[mode] + widen * data.sigma * noise


def describe(x: Tensor, data: Mixture | None = None, training: Tensor | None = None) -> Sample:
    """Return the sample of points `[..., n, d]`: modes, classes and density are the given mixture's or the ring's."""
    data = RING.load(CPU) if data is None else data
    mode, good = data.assign(x, None)
    squares = (x.unsqueeze(-2).double() - data.centres.double()).square().sum(-1) / (2 * data.sigma**2)
    scale = len(data.centres) * (2 * math.pi * data.sigma**2) ** (x.shape[-1] / 2)
    density = torch.logsumexp(-squares, dim=-1) - math.log(scale)
    return Sample(x, x, mode, good, torch.softmax(-squares, dim=-1), density, training)


def blob(x: Tensor) -> Sample:
    """Return the sample of points `[..., n, d]` of one mode, all good: for metrics that look at features alone."""
    mode = torch.zeros(x.shape[:-1], dtype=torch.int64)
    return Sample(x, x, mode, torch.ones_like(mode, dtype=torch.bool))


def score(metric, fake: Tensor, real: Tensor) -> dict[str, Tensor]:
    """Return a metric of points against points of the ring, with a training set that neither has seen."""
    return metric.compute(describe(fake), describe(real, training=points(200, 77)), RING.load(CPU).weights)
