"""Judges the samples of a watched generator by the metrics of a sweep, against whatever is known of the data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Generator, Tensor

from ganbench.core import registry
from ganbench.core.column import Column
from ganbench.core.errors import UsageError
from ganbench.core.streams import stream
from ganbench.datasets import Dataset
from ganbench.extractors import Extractor
from ganbench.metrics import Metric, Sample

Features = str | Callable[[Tensor], Tensor] | None

KNOWN_MODES, UNKNOWN_MODES = ("modes", "position"), ("precision_recall", "position")
SMALLEST_IMAGE = 8  # pixels: what the extractor `pixels` averages to


class Unlabelled:
    """Real samples `[n, *shape]` of which nothing more is known."""

    def __init__(self, real: Tensor) -> None:
        self.weights = torch.zeros(0, dtype=torch.float64, device=real.device)

    def assign(self, samples: Tensor, probabilities: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return no mode and no quality for each sample `[n, *shape]`."""
        mode = torch.zeros(len(samples), dtype=torch.int64, device=samples.device)
        return mode, torch.zeros_like(mode, dtype=torch.bool)


class SampleEvaluator:
    """Measures samples; what it compares with never changes once it is there.

    Args:
        data: a data set's name or the data set, whose held-out part is the reference; or real samples `[n, *shape]`,
            of which half are the reference and half stand for a perfect generator; or None: the first real minibatches
            are taken for such samples.
        features: an extractor's name, or a function of samples `[n, *shape]` that returns `[n, d]`; by default the
            data set's own, coordinates of points and pixels of images.
        metrics: names or metrics; by default `modes` and `position`, without known modes `precision_recall` and
            `position`: those that verdicts read.
        samples: how many are judged.
        device: where.
    """

    def __init__(
        self,
        data: str | Dataset | Tensor | None,
        features: Features,
        metrics: Sequence[str | Metric] | None,
        samples: int,
        device: torch.device,
    ) -> None:
        self.samples, self._asked, self._features, self.device = samples, metrics, features, device
        self.floors: dict[str, float] = {}
        self.metrics = [] if metrics is None else _built(metrics)
        self.label = "own data"
        self.real: Sample | None = None
        self._early: list[Tensor] = []
        if isinstance(data, str):
            data = cast(Dataset, registry.build("dataset", data, {}))
        if isinstance(data, Dataset):
            self._of_dataset(data)
        elif isinstance(data, Tensor):
            if len(data) < 2:
                raise UsageError("ganbench.Monitor: data holds fewer than two samples; give [n, *shape] real samples")
            self._of_samples(data.detach().float().to(self.device))
        elif data is not None:
            raise UsageError(
                f"ganbench.Monitor: data is {type(data).__name__}; give real samples, a data set or its name"
            )

    @property
    def ready(self) -> bool:
        """Say whether there is something to compare with."""
        return self.real is not None

    @property
    def columns(self) -> list[Column]:
        """Return the declarations of what is measured, with the floors."""
        found = [column for metric in self.metrics for column in metric.columns]
        floors = [
            Column(f"{c.name}_floor", f"{c.name} of as many real samples", c.unit, c.direction)
            for c in found
            if c.name in self.floors
        ]
        return found + floors

    def offer(self, real: Tensor) -> None:
        """Take real samples in until there are enough to compare with."""
        self._early.append(real.detach().float().to(self.device, copy=True))
        if sum(map(len, self._early)) >= 2 * self.samples:
            self._of_samples(torch.cat(self._early))
            self._early = []

    def measure(self, points: Tensor) -> dict[str, Tensor]:
        """Return every metric of samples `[n, *shape]`, a number each; none where nothing is there to compare."""
        values: dict[str, Tensor] = {}
        if self.real is not None:
            with torch.no_grad():
                fake = self._describe(points.to(self.device))
                for metric in self.metrics:
                    values |= metric.compute(fake, self.real, self._data.weights)
        return values

    def _of_dataset(self, dataset: Dataset) -> None:
        dataset.prepare()
        self.label = dataset.label
        self._data: Any = dataset.load(self.device)
        real = self._data.heldout(self._generator("evaluation real"), self.samples)
        floor = self._data.gather(self._data.sample_indices(self._generator("evaluation floor"), self.samples))
        self._begin(
            self._features or dataset.extractor_name, real, floor, KNOWN_MODES if dataset.modes else UNKNOWN_MODES
        )

    def _of_samples(self, real: Tensor) -> None:
        half = min(self.samples, len(real) // 2)
        self._data = Unlabelled(real)
        image = real.dim() == 4 and min(real.shape[2:]) >= SMALLEST_IMAGE
        self._begin(
            self._features or ("pixels" if image else "coordinates"), real[:half], real[half : 2 * half], UNKNOWN_MODES
        )

    def _begin(self, features: str | Callable[[Tensor], Tensor], real: Tensor, floor: Tensor, usual: Any) -> None:  # noqa: ANN401
        self._own = None if isinstance(features, str) else features
        self.extractor = features if isinstance(features, str) else getattr(features, "__name__", "own features")
        self._feature = cast(
            Extractor, registry.build("extractor", features if isinstance(features, str) else "coordinates", {})
        )
        self._feature.prepare()
        self.identity = self._feature.identity() if self._own is None else self.extractor  # weights tell them apart
        if self._asked is None:
            self.metrics = _built(usual)
        self.wanted = {field for metric in self.metrics for field in metric.requires_fields}
        self.real = self._describe(real)
        self.floors = {name: float(value) for name, value in self.measure(floor).items()}

    def _describe(self, points: Tensor) -> Sample:
        """Return samples `[n, *shape]` with their features, modes and quality."""
        probabilities = None
        if self._own is not None:
            features = self._own(points).detach().float()
        elif self.extractor == "coordinates":
            features = points.flatten(1)  # metrics want vectors, whatever shape samples have
        else:
            features = self._feature.extract(points)
            probabilities = self._feature.probabilities(features)
        mode, good = self._data.assign(points, probabilities)
        density = getattr(self._data, "log_density", None) if "log_density" in self.wanted else None
        return Sample(points, features, mode, good, probabilities, density(points) if density else None)

    def _generator(self, name: str) -> Generator:
        return Generator(self.device).manual_seed(stream(0, name))


def _built(metrics: Sequence[str | Metric]) -> list[Metric]:
    return [cast(Metric, registry.build("metric", m, {})) if isinstance(m, str) else m for m in metrics]
