"""Samples taken apart and put together: chunks of bounded size, halves, several sets as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ganbench.metrics import Sample

CHUNK, NUMBERS = 256, 1 << 24  # samples and numbers that are described at a time


def joined(samples: Sequence[Sample]) -> Sample:
    """Return several sets of samples as one."""

    def cat(name: str) -> Any:  # noqa: ANN401 - a tensor, or None where none is known
        parts = [getattr(sample, name) for sample in samples]
        return None if parts[0] is None else torch.cat(parts)

    return Sample(*(cat(name) for name in ("points", "features", "mode", "good", "probabilities", "log_density")))


def without_points(sample: Sample) -> Sample:
    """Return samples with their features in the place of themselves."""
    return replace(sample, points=sample.features)


def shape_of(samples: Tensor) -> tuple[int, ...]:
    """Return the shape of one sample as it is described: complex numbers are two."""
    return (*samples.shape[1:], 2) if samples.is_complex() else tuple(samples.shape[1:])


def part(sample: Sample, start: int, stop: int | None) -> Sample:
    """Return some of the samples."""
    return joined([Sample(*(None if x is None else x[start:stop] for x in _fields(sample)))])  # type: ignore[arg-type]


def _fields(sample: Sample) -> tuple[Tensor | None, ...]:
    return sample.points, sample.features, sample.mode, sample.good, sample.probabilities, sample.log_density


def nothing(device: torch.device | None = None) -> Sample:
    """Return no samples."""
    none = torch.zeros(0, 1, device=device)
    return Sample(none, none, none[:, 0].long(), none[:, 0].bool())


def chunks(samples: Tensor) -> Iterator[Tensor]:
    """Yield samples in parts of bounded size."""
    yield from samples.split(max(1, min(CHUNK, NUMBERS // max(1, samples[:1].numel()))))


def index_of(place: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return where a number of a flat tensor stands in its shape."""
    index = []
    for size in reversed(shape):
        place, rest = divmod(place, size)
        index.append(rest)
    return tuple(reversed(index))
