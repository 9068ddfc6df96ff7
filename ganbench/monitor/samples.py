"""The samples of somebody's generator: which are judged, when they are kept, and what they measure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from ganbench.core import registry
from ganbench.core.errors import UsageError
from ganbench.datasets import Dataset
from ganbench.metrics import Metric, Sample
from ganbench.monitor.embedding import real_numbers
from ganbench.monitor.given import tensor_of
from ganbench.monitor.guard import Guard, Hopeless
from ganbench.monitor.isolation import generated, networks_in
from ganbench.monitor.parts import joined, part, shape_of
from ganbench.monitor.pictures import MOST
from ganbench.monitor.reference import Reference
from ganbench.training.evaluation import OUT_OF_RANGE, ExtractorChoice
from ganbench.training.history import SNAPSHOT_POINTS


@dataclass(frozen=True)
class Look:
    """Generated samples as they are kept: described, and a picture of the first of them.

    Attributes:
        largest: the largest of their numbers; not finite where one is not.
    """

    sample: Sample
    picture: Tensor
    largest: Tensor


class SampleView:
    """The samples of a monitor, and what judges them; memory is bounded whatever their size.

    Args:
        data: a data set or its name; real samples `[n, *shape]`; or None for the first real minibatches.
        latents: inputs of the generator whose samples are judged; None takes the last generated minibatches.
        features: as of the monitor. kind: likewise.
        metrics: names or metrics; None takes those that verdicts read.
        samples: how many real and how many generated samples are compared.
        device: where.
        guard: leaves out what fails.
    """

    def __init__(
        self,
        data: object,
        latents: object,
        features: ExtractorChoice,
        kind: str | None,
        metrics: Sequence[str | Metric] | None,
        samples: int,
        device: torch.device,
        guard: Guard,
    ) -> None:
        self.guard, self._samples, self._device = guard, samples, device
        chosen = None if metrics is None else [_metric(m) for m in metrics]
        self.reference = Reference(samples, features, kind, chosen, device)
        self.latents = None if latents is None else _latents(latents)
        self._pool: list[Look] = []
        self.postponed = False  # whether real samples had to wait for the time that the budget allows
        self._use(registry.build(Dataset, data) if isinstance(data, str) else data)

    def _use(self, data: object) -> None:
        if isinstance(data, Dataset):
            self.reference.use_dataset(data)
        elif data is not None:
            try:
                real = tensor_of("data", data)
            except UsageError:
                raise UsageError(
                    f"ganbench.Monitor: data is {type(data).__name__}; give real samples, a data set or its name"
                ) from None
            if real.dim() == 0:
                raise UsageError("ganbench.Monitor: data is int; give real samples, a data set or its name")
            if len(real) < 2:
                raise UsageError("ganbench.Monitor: data holds fewer than two samples; give [n, *shape] real samples")
            real = real.unsqueeze(1) if real.dim() == 1 else real
            self.guard.run("the real samples given as data=", self.reference.use_samples, real)
        self.know_floors()  # now where it can be: a logged step must not wait for it

    @property
    def metrics(self) -> Sequence[Metric]:
        """Return what is measured, as far as it is known."""
        return self.reference.metrics

    @property
    def size(self) -> int:
        """Return how many generated samples wait for a look."""
        return sum(len(look.sample.features) for look in self._pool)

    @property
    def ready(self) -> bool:
        """Return whether a look has all that it wants: a reference, and as many samples as it compares."""
        return not self.reference.wanting and (self.latents is not None or self.size >= self._samples)

    def know_floors(self) -> None:
        """Work out what real samples get; tables do without where that fails."""
        if (evaluator := self.reference.evaluator) is not None:
            try:
                evaluator.floors  # noqa: B018
            except Exception as error:
                self.guard.report("the value of real samples", error)
                vars(evaluator)["floors"] = {}

    def facts(self, n: int) -> dict[str, float]:
        """Return what a verdict on n samples may know: the floors, and how many modes real ones capture."""
        if (evaluator := self.reference.evaluator) is None:
            return {}
        floors = {f"{name}_floor": value for name, value in evaluator.floors.items()}
        return floors | (evaluator.known_of_data(n) if floors else {})

    def offer(self, real: Tensor) -> None:
        """Take in a real minibatch `[B, *shape]` while there are too few real samples to compare with."""
        self.reference.offer(real)
        self.know_floors()

    def first_to_keep(self, batch: int, look: int) -> int:
        """Return the step from which minibatches of a size belong to the look at a step."""
        return look - math.ceil(self._samples / batch) + 1

    def keep(self, fake: Tensor) -> None:
        """Keep a generated minibatch for the next look."""
        if self.latents is None and self.size < self._samples and not self.reference.wanting:
            if self.reference.begin_anew(shape_of(fake)):
                self._pool = []
            elif (look := self._described(fake)) is not None:
                self._pool.append(look)

    def look(self, generator: Callable[..., object] | None) -> Look | None:
        """Return the samples to judge, and begin to keep minibatches anew; None where there are none.

        Args:
            generator: answers the fixed latents, where there are any.
        """
        if self.latents is not None and generator is not None:
            return _joined([k for x in generated(generator, self.latents) if (k := self._described(x)) is not None])
        pool, self._pool = self._pool, []
        look = _joined(pool)
        return look and replace(look, sample=part(look.sample, -self._samples, None))

    def out_of_range(self, look: Look) -> bool:
        """Return whether samples are not finite or beyond 10⁶ times the largest real number."""
        return not bool(look.largest <= OUT_OF_RANGE * (self.reference.largest or 1.0))

    def measure(self, look: Look) -> dict[str, float]:
        """Return every metric of samples; those that fail are left out."""
        values: dict[str, float] = {}
        if (evaluator := self.reference.evaluator) is not None:
            for metric in evaluator.metrics:
                of_metric = self.guard.run(f"the metric {metric.name}", evaluator.compare, look.sample, [metric])
                values |= {name: float(value) for name, value in (of_metric or {}).items()}
        return values

    def try_latents(self, generator: Callable[..., object]) -> None:
        """Have the generator answer two of the fixed latents; without an answer the minibatches are judged instead."""
        if self.latents is None:
            return
        weights = [weight for network in networks_in(generator) for weight in network.parameters()]
        if weights:
            self.latents = tuple(_as_input(part, weights) for part in self.latents)
        if any(isinstance(p, nn.UninitializedParameter) for p in weights):
            return
        try:
            next(generated(generator, tuple(part[:2] for part in self.latents)))
        except Exception as error:
            self.latents = None
            text = f"{type(error).__name__}: {error}".splitlines()[0]
            remedy = "give what the generator takes, [n, …], or a tuple of it; minibatches are judged instead"
            self.guard.leave_out("latents=", Hopeless(text, remedy))

    def _described(self, points: Tensor) -> Look | None:
        with torch.no_grad():
            sample, drawing = self.reference.describe(points), self.reference.drawing
            if sample is None or drawing is None:
                return None
            some = real_numbers(points[: MOST if drawing.images else SNAPSHOT_POINTS])
            low, high = (points if points.is_floating_point() else real_numbers(points)).aminmax()
            return Look(sample, drawing.of(some, sample.features), torch.maximum(-low, high).float())


def _joined(looks: Sequence[Look]) -> Look | None:
    if not looks:
        return None
    pictures = torch.cat([look.picture for look in looks])
    most = MOST if pictures.dtype == torch.uint8 else SNAPSHOT_POINTS
    largest = torch.stack([look.largest for look in looks]).amax()
    return Look(joined([look.sample for look in looks]), pictures[:most], largest)


def _latents(given: object) -> tuple[Tensor, ...]:
    parts = given if isinstance(given, tuple) else (given,)
    try:
        latents = tuple(tensor_of("latents", part) for part in parts)
    except UsageError:
        kinds = ", ".join(type(part).__name__ for part in parts)
        raise UsageError(f"ganbench.Monitor: latents is {kinds}; give [n, …], or a tuple of such inputs") from None
    if len({len(part) if part.dim() else 0 for part in latents}) != 1 or not latents[0].dim() or not len(latents[0]):
        raise UsageError("ganbench.Monitor: latents are of different lengths or empty; give [n, …], each of the same n")
    return latents


def _as_input(latents: Tensor, weights: Sequence[Tensor]) -> Tensor:
    """Return latents where the weights are; NumPy's double precision in that of the weights."""
    double = latents.dtype == torch.float64 and all(weight.dtype != torch.float64 for weight in weights)
    return latents.to(weights[0].device, torch.get_default_dtype() if double else None)


def _metric(one: str | Metric) -> Metric:
    return registry.build(Metric, one) if isinstance(one, str) else one
