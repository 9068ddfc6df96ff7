"""Judges samples by metrics: those of a trial's generators, of a watched generator, or of anything else."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Protocol

import torch
from torch import Generator, Tensor

from ganbench.core import registry
from ganbench.core.protocols import Params
from ganbench.core.streams import stream
from ganbench.datasets import Data, Dataset
from ganbench.extractors import Extractor
from ganbench.metrics import Metric, Sample
from ganbench.metrics.modes import Modes
from ganbench.training.setup import TrialSetup

CHUNK = 512
TRAINING_CHUNK = 1 << 22  # numbers at a time of a training set that may not fit in memory
OUT_OF_RANGE = 1e6  # times the largest number of a real sample
# What verdicts read.
METRICS_OF_KNOWN_MODES, METRICS_OF_UNKNOWN_MODES = ("modes", "position"), ("precision_recall", "position")

ExtractorChoice = str | Callable[[Tensor], Tensor] | None


class Samples(Protocol):
    """Samples that may lie in a file: a tensor `[N, *shape]`, or anything whose slices are tensors."""

    def __len__(self) -> int: ...
    def __getitem__(self, which: slice, /) -> Tensor: ...


class Unlabelled:
    """Labels of samples `[n, *shape]` whose modes nobody knows."""

    def __init__(self, device: torch.device) -> None:
        self.weights = torch.zeros(0, dtype=torch.float64, device=device)

    def assign(self, samples: Tensor, probabilities: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return mode 0 and no quality for each sample."""
        mode = torch.zeros(len(samples), dtype=torch.int64, device=samples.device)
        return mode, torch.zeros_like(mode, dtype=torch.bool)


@dataclasses.dataclass(frozen=True)
class FunctionExtractor:
    """A user's function of samples `[n, *shape]` as an extractor that knows no classes."""

    function: Callable[[Tensor], Tensor]
    name: str

    def extract(self, samples: Tensor) -> Tensor:
        """Return features `[n, d]` of samples `[n, *shape]`."""
        return self.function(samples).detach().float()

    def probabilities(self, features: Tensor) -> None:
        """Return None: no classes are known."""

    def identity(self) -> str:
        """Return the function's name."""
        return self.name


class SampleEvaluator:
    """Measures samples by metrics against real samples, which never change.

    Args:
        data: labels samples with their modes.
        extractor: turns samples into features.
        metrics: what is measured.
        real: the reference, `[m, *shape]`, or described already.
        independent: returns as many other real samples, which stand for a perfect generator.

    Attributes:
        real: the reference with its features, modes and quality.
        extractor_identity: the extractor's name, with the hash of its weights where it has any.
    """

    def __init__(
        self,
        data: Data | Unlabelled,
        extractor: Extractor | FunctionExtractor,
        metrics: Sequence[Metric],
        real: Tensor | Sample,
        independent: Callable[[], Tensor | Sample],
    ) -> None:
        self.data, self.extractor, self.metrics = data, extractor, metrics
        self.extractor_identity = extractor.identity()
        self.requires = {field for metric in metrics for field in metric.requires_fields}
        self.real = real if isinstance(real, Sample) else self.describe(real)
        self._independent = independent

    def describe(self, points: Tensor) -> Sample:
        """Return samples `[..., n, *shape]` with their features, modes and quality."""
        features = self.extractor.extract(points)
        probabilities = self.extractor.probabilities(features)
        mode, good = self.data.assign(points, probabilities)
        density = getattr(self.data, "log_density", None) if "log_density" in self.requires else None
        return Sample(points, features, mode, good, probabilities, density(points) if density else None)

    def measure(self, points: Tensor, metrics: Sequence[Metric] | None = None) -> dict[str, Tensor]:
        """Return these (or all) metrics of samples `[..., n, *shape]` against the reference, `[...]` each."""
        with torch.no_grad():
            return self.compare(self.describe(points), metrics)

    def compare(self, fake: Sample, metrics: Sequence[Metric] | None = None) -> dict[str, Tensor]:
        """Return these (or all) metrics of described samples against the reference, `[...]` each."""
        values: dict[str, Tensor] = {}
        with torch.no_grad():
            for metric in self.metrics if metrics is None else metrics:
                values |= metric.compute(fake, self.real, self.data.weights)
        return values

    @cached_property
    def floors(self) -> dict[str, float]:
        """Every metric of as many independent real samples: what a perfect generator would get."""
        other = self._independent()
        values = self.compare(other) if isinstance(other, Sample) else self.measure(other)
        return {name: float(value) for name, value in values.items()}

    @property
    def n_real(self) -> int:
        """Return how many samples the reference has."""
        return len(self.real.features)

    def out_of_range(self, points: Tensor) -> Tensor:
        """Return which of `[S, n, *shape]` are not finite or beyond 10⁶ times the largest real number, `[S]`.

        Where all real samples are 0 it is 10⁶ itself.
        """
        limit = OUT_OF_RANGE * (float(self.real.points.abs().max()) or 1.0)
        return ~(points.flatten(1).abs().amax(1) <= limit)

    def known_of_data(self, n: int) -> dict[str, float]:
        """Return what a verdict on samples of n points may know of the data besides the floors.

        known_modes: K, 0 where no modes are known. fewest_modes: see `Modes.fewest_of_real`; only where K > 0 and the
        metric `modes` is measured.
        """
        weights = self.data.weights
        facts = {"known_modes": float(len(weights))}
        for metric in self.metrics:
            if isinstance(metric, Modes) and len(weights):
                facts["fewest_modes"] = float(metric.fewest_of_real(n, weights, self.floors["hq_fraction"]))
        return facts


class Evaluator(SampleEvaluator):
    """Judges the generators of a trial: the same latents and the same real samples at every evaluation.

    Its latents and its real samples have their own streams, so evaluating changes nothing in training; the real samples
    are the same for every trial of a data set.
    """

    def __init__(self, setup: TrialSetup, seeds: Sequence[int]) -> None:
        trial, device, data = setup.trial, setup.device, setup.data
        self.setup, self.n = setup, trial.samples
        dataset = trial.dataset.build()
        self.preparation = dataset.preparation
        metrics = [choice.build() for choice in trial.metrics]
        z = torch.stack([_normal(seed, "evaluation latent", (self.n, setup.latent), device) for seed in seeds])
        self.z = setup.latents(z, judged=True)
        real = _heldout(data, self.n, device)
        extractor = _prepared(registry.build(Extractor, dataset.extractor_name))
        super().__init__(data, extractor, metrics, real, lambda: _independent(data, self.n, device))
        train = getattr(data, "train", None) if "training" in self.requires else None
        if train is not None:
            self.real = dataclasses.replace(self.real, training=self._features(train))

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


def evaluator_of_dataset(
    dataset: Dataset, extractor: ExtractorChoice, metrics: Sequence[Metric] | None, n: int, device: torch.device
) -> SampleEvaluator:
    """Return what judges samples `[..., n, *shape]` against the held-out part of a data set.

    Args:
        dataset: prepared and loaded here.
        extractor: an extractor's name, or a function of samples `[n, *shape]` that returns `[n, d]`; None takes the
            data set's own.
        metrics: None takes those that verdicts read.
        n: real samples to compare with.
        device: where.
    """
    dataset.prepare()
    data = dataset.load(device)
    names = METRICS_OF_KNOWN_MODES if dataset.modes else METRICS_OF_UNKNOWN_MODES
    return SampleEvaluator(
        data,
        extractor_of(extractor or dataset.extractor_name),
        [registry.build(Metric, name) for name in names] if metrics is None else metrics,
        _heldout(data, n, device),
        lambda: _independent(data, n, device),
    )


def extractor_of(chosen: str | Callable[[Tensor], Tensor]) -> Extractor | FunctionExtractor:
    """Return the extractor of a name, prepared, or one that calls a function of samples `[n, *shape]`."""
    if not isinstance(chosen, str):
        return FunctionExtractor(chosen, getattr(chosen, "__name__", "own features"))
    if chosen == "coordinates":  # metrics read vectors, whatever shape samples have
        return FunctionExtractor(lambda points: points.flatten(1), chosen)
    return _prepared(registry.build(Extractor, chosen))


def _prepared(extractor: Extractor) -> Extractor:
    extractor.prepare()
    return extractor


def _heldout(data: Data, n: int, device: torch.device) -> Tensor:
    return data.heldout(_generator(0, "evaluation real", device), n)


def _independent(data: Data, n: int, device: torch.device) -> Tensor:
    return data.gather(data.sample_indices(_generator(0, "evaluation floor", device), n))


def _generator(seed: int, name: str, device: torch.device) -> Generator:
    return Generator(device).manual_seed(stream(seed, name))


def _normal(seed: int, name: str, shape: tuple[int, ...], device: torch.device) -> Tensor:
    return torch.randn(shape, generator=_generator(seed, name, device), device=device)
