"""Judges the generators of a trial: the same latents and the same real samples at every evaluation."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Protocol, cast

import torch
from torch import Generator, Tensor

from ganbench.core import registry
from ganbench.core.streams import stream
from ganbench.datasets import Dataset
from ganbench.extractors import Extractor
from ganbench.metrics import Metric, Sample
from ganbench.networks import Params
from ganbench.training.setup import TrialSetup

CHUNK = 512
TRAINING_CHUNK = 1 << 22  # numbers at a time of a training set that may not fit in memory
OUT_OF_RANGE = 1e6


class Samples(Protocol):
    """Samples that may lie in a file: a tensor `[N, *shape]`, or anything whose slices are tensors."""

    def __len__(self) -> int: ...
    def __getitem__(self, which: slice, /) -> Tensor: ...


class Evaluator:
    """Everything an evaluation needs that does not change while the trial trains.

    Its latents and its real samples have their own streams, so evaluating changes nothing in training; the real samples
    are the same for every trial of a data set.
    """

    def __init__(self, setup: TrialSetup, seeds: Sequence[int]) -> None:
        trial, device = setup.trial, setup.device
        self.setup, self.data, self.n = setup, setup.data, trial.samples
        dataset = cast(Dataset, trial.dataset.build())
        self.preparation = dataset.preparation
        self.extractor = cast(Extractor, registry.find("extractor", dataset.extractor_name)())
        self.extractor.prepare()
        self.extractor_identity = self.extractor.identity()
        self.metrics = [cast(Metric, choice.build()) for choice in trial.metrics]
        self.requires = {field for metric in self.metrics for field in metric.requires_fields}
        z = torch.stack([_normal(seed, "evaluation latent", (self.n, setup.latent), device) for seed in seeds])
        self.z = setup.latents(z, judged=True)
        self.real = self.describe(setup.data.heldout(_generator(0, "evaluation real", device), self.n))
        train = getattr(setup.data, "train", None) if "training" in self.requires else None
        if train is not None:
            self.real = dataclasses.replace(self.real, training=self._features(train))

    def describe(self, points: Tensor) -> Sample:
        """Return samples `[..., n, *shape]` with their features, modes and quality."""
        features = self.extractor.extract(points)
        probabilities = self.extractor.probabilities(features)
        mode, good = self.data.assign(points, probabilities)
        density = getattr(self.data, "log_density", None) if "log_density" in self.requires else None
        return Sample(points, features, mode, good, probabilities, density(points) if density else None)

    def _features(self, train: Samples) -> Tensor:
        """Return the features `[N, d]` of a training set, never all of whose samples are in memory at once."""
        size = max(1, TRAINING_CHUNK // max(1, train[:1].numel()))
        return torch.cat([self.extractor.extract(train[i : i + size]) for i in range(0, len(train), size)])

    def generate(self, params: Params, buffers: Params) -> Tensor:
        """Return `[S, n, *shape]` generated samples."""
        with torch.no_grad():
            chunks = [
                self.setup.generate(params, buffers, z, training=False, noise=None) for z in self.z.split(CHUNK, dim=1)
            ]
            return torch.cat(chunks, dim=1)

    def measure(self, points: Tensor, metrics: Sequence[Metric] | None = None) -> dict[str, Tensor]:
        """Return these (or all) metrics of samples `[..., n, *shape]` against held-out real ones, `[...]` each."""
        values: dict[str, Tensor] = {}
        with torch.no_grad():
            fake = self.describe(points)
            for metric in self.metrics if metrics is None else metrics:
                values |= metric.compute(fake, self.real, self.data.weights)
        return values

    def floor(self) -> dict[str, float]:
        """Return every metric of as many independent real samples: what a perfect generator would get."""
        generator = _generator(0, "evaluation floor", self.setup.device)
        other = self.data.gather(self.data.sample_indices(generator, self.n))
        return {name: float(value) for name, value in self.measure(other).items()}


def out_of_range(points: Tensor) -> Tensor:
    """Return which seeds of `[S, n, *shape]` left ±1e6 or are not finite, `[S]`."""
    return ~(points.flatten(1).abs().amax(1) <= OUT_OF_RANGE)


def _generator(seed: int, name: str, device: torch.device) -> Generator:
    return Generator(device).manual_seed(stream(seed, name))


def _normal(seed: int, name: str, shape: tuple[int, ...], device: torch.device) -> Tensor:
    return torch.randn(shape, generator=_generator(seed, name, device), device=device)
