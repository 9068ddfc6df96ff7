"""Reads one step of somebody's training, and its samples, as a sweep reads its own, on a seed axis of one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from ganbench.core import registry
from ganbench.core.errors import UsageError
from ganbench.datasets import Dataset
from ganbench.diagnostics import Diagnostic, Step
from ganbench.losses import Loss
from ganbench.metrics import Metric
from ganbench.monitor.hooks import Player
from ganbench.monitor.isolation import call, evaluating, generated, untouched_randomness
from ganbench.training.evaluation import ExtractorChoice, SampleEvaluator, evaluator_of_dataset, evaluator_of_samples

# What each of the usual diagnostics reads of a step; where that is not given, it is left out.
USUAL = {
    "gradients": (),
    "updates": (),
    "logits": ("real_logits", "fake_logits"),
    "discrimination": ("real_logits", "fake_logits"),
    "losses": ("d_loss", "g_loss"),
    "loss_slope": ("loss", "fake_logits"),
    "excess": ("loss", "d_loss"),
}
SUPPORTED = {"before", "probe"}  # of what a diagnostic may require
PROBE_SAMPLES = 256

Place = tuple[str, str]


class View:
    """The diagnostics of a monitor.

    Args:
        loss: what both players descend, where that is known.
        chosen: names or diagnostics; None takes those of the usual ones whose needs a step gives.
    """

    def __init__(self, loss: Loss | None, chosen: Sequence[str | Diagnostic] | None) -> None:
        self.loss = loss
        self._usual = {name: _built(name) for name in USUAL} if chosen is None else {}
        self._read: dict[str, Diagnostic] = {d.name: d for d in map(_built, chosen or ())}
        self._last: dict[str, int] = {}

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """Return all that have been read so far, or will be."""
        return list(self._read.values())

    def read(
        self, step: int, d: Player, g: Player, given: Mapping[str, Tensor], heldout: Tensor | None
    ) -> tuple[dict[str, float], dict[Place, dict[str, float]]]:
        """Return the values of the diagnostics that are due at a step, of the run and of its layers.

        The device is waited for once.
        """
        done = self._step(d, g, given, heldout)
        values: dict[tuple[Place | None, str], Tensor] = {}
        with torch.no_grad():
            for diagnostic in self._readable(given):
                if self._due(diagnostic.name, step, _every(diagnostic)):
                    values |= _read(diagnostic, done)
        return _numbers(values)

    def _readable(self, given: Mapping[str, Tensor]) -> list[Diagnostic]:
        if not self._usual:
            return self.diagnostics
        known = {*given, *(("loss",) if self.loss is not None else ())}
        names = [name for name, needs in USUAL.items() if known.issuperset(needs)]
        self._read |= {name: self._usual[name] for name in names}
        return [self._usual[name] for name in names]

    def _due(self, name: str, step: int, every: int) -> bool:
        """Return whether a step is the first logged one of its `every` steps."""
        window = (step - 1) // every
        if self._last.get(name) == window:
            return False
        self._last[name] = window
        return True

    def _step(self, d: Player, g: Player, given: Mapping[str, Tensor], heldout: Tensor | None) -> Step:
        nothing = torch.full((1,), torch.nan)
        real, fake = (_logits(given.get(name)) for name in ("real_logits", "fake_logits"))
        answers = torch.zeros(1, 0) if fake is None else fake
        return Step(
            d=d.make_update(given.get("d_loss", nothing).reshape(1).float(), real, answers),
            g=g.make_update(given.get("g_loss", nothing).reshape(1).float(), real, answers),
            loss=self.loss,
            probe=_Probe(d.module, given, heldout),
        )


class SampleView:
    """The samples of a monitor, and what judges them.

    Args:
        data: a data set or its name; real samples `[n, *shape]`; or None for the first real minibatches.
        latents: inputs of the generator whose samples are judged; None takes the last generated minibatches.
        extractor: as of `ganbench.training.evaluation.evaluator_of_dataset`.
        metrics: names or metrics; None takes those that verdicts read.
        samples: how many real and how many generated samples are compared.
        device: where.

    Attributes:
        evaluator: None until there are real samples to compare with.
    """

    def __init__(
        self,
        data: str | Dataset | Tensor | None,
        latents: Tensor | tuple[Tensor, ...] | None,
        extractor: ExtractorChoice,
        metrics: Sequence[str | Metric] | None,
        samples: int,
        device: torch.device,
    ) -> None:
        self._latents = (latents,) if isinstance(latents, Tensor) else latents
        self._extractor, self._samples, self._device = extractor, samples, device
        self._metrics = None if metrics is None else [_metric(m) for m in metrics]
        data = registry.build(Dataset, data) if isinstance(data, str) else data
        self.label = data.label if isinstance(data, Dataset) else "own data"
        self.evaluator: SampleEvaluator | None = None
        self._first_real: list[Tensor] = []
        self._pool: list[Tensor] = []
        self._keep_from = 0
        if isinstance(data, Dataset):
            self.evaluator = evaluator_of_dataset(data, extractor, self._metrics, samples, device)
        elif isinstance(data, Tensor):
            if len(data) < 2:
                raise UsageError("ganbench.Monitor: data holds fewer than two samples; give [n, *shape] real samples")
            self.evaluator = self._evaluator_of(data.detach().float().to(device))
        elif data is not None:
            raise UsageError(
                f"ganbench.Monitor: data is {type(data).__name__}; give real samples, a data set or its name"
            )
        self.floors  # worked out now where they can be: a logged step must not wait for it  # noqa: B018

    @property
    def metrics(self) -> Sequence[Metric]:
        """Return what is measured, as far as it is known."""
        return self._metrics or () if self.evaluator is None else self.evaluator.metrics

    @property
    def floors(self) -> dict[str, float]:
        """Return every metric of real samples, as far as they are known."""
        return {} if self.evaluator is None else self.evaluator.floors

    def facts(self, n: int) -> dict[str, float]:
        """Return what a verdict on n samples may know: the floors, and how many modes real ones capture."""
        if self.evaluator is None:
            return {}
        floors = {f"{name}_floor": value for name, value in self.floors.items()}
        return floors | self.evaluator.known_of_data(n)

    def offer(self, real: Tensor) -> None:
        """Take in a real minibatch `[B, *shape]` while there are too few real samples to compare with."""
        if self.evaluator is None:
            self._first_real.append(real.detach().float().to(self._device, copy=True))
            if sum(map(len, self._first_real)) >= 2 * self._samples:
                self.evaluator, self._first_real = self._evaluator_of(torch.cat(self._first_real)), []

    def keep(self, fake: Tensor, step: int, evaluation: int) -> None:
        """Keep a generated minibatch where it is one of the last before the step of the next evaluation."""
        if self._latents is None and step >= self._keep_from:
            self._keep_from = evaluation - math.ceil(self._samples / len(fake)) + 1
            if step >= self._keep_from:
                self._pool.append(fake.detach())

    def points(self, generator: nn.Module) -> Tensor | None:
        """Return the samples `[n, *shape]` to judge, and begin to keep minibatches anew; None where there are none."""
        if self._latents is not None:
            return generated(generator, self._latents).float()
        pool, self._pool, self._keep_from = self._pool, [], 0
        return torch.cat(pool)[-self._samples :].float() if pool else None

    def measure(self, points: Tensor) -> dict[str, float]:
        """Return every metric of samples `[n, *shape]`; none as long as there is nothing to compare with."""
        if self.evaluator is None:
            return {}
        return {name: float(value) for name, value in self.evaluator.measure(points.to(self._device)).items()}

    def _evaluator_of(self, real: Tensor) -> SampleEvaluator:
        return evaluator_of_samples(real, self._extractor, self._metrics, self._samples)


class _Probe:
    """The discriminator at the last minibatches (`ganbench.diagnostics.Probe`)."""

    def __init__(self, discriminator: nn.Module, given: Mapping[str, Tensor], heldout: Tensor | None) -> None:
        self._discriminator, self._given, self._heldout = discriminator, given, heldout

    def discriminator(self, x: Tensor) -> Tensor:
        """Return the logits `[1, N]` of samples `[1, N, *sample]`, in evaluation mode."""
        with untouched_randomness(), evaluating(self._discriminator):
            answers = _logits(call(self._discriminator, x[0]))
        if answers is None:
            raise ValueError("the discriminator did not answer with a tensor")
        return answers

    @property
    def real(self) -> Tensor:
        """The last real minibatch."""
        return self._samples("real")

    @property
    def fake(self) -> Tensor:
        """The last generated minibatch."""
        return self._samples("fake")

    @property
    def heldout(self) -> Tensor:
        """Real samples that the monitor was given as data."""
        if self._heldout is None:
            raise ValueError("held-out samples are not known: give ganbench.Monitor data that training does not use")
        return self._heldout[:PROBE_SAMPLES].unsqueeze(0)

    def _samples(self, name: str) -> Tensor:
        if name not in self._given:
            raise ValueError(f"a diagnostic reads the {name} samples")
        return self._given[name][:PROBE_SAMPLES].unsqueeze(0)


def _read(diagnostic: Diagnostic, done: Step) -> dict[tuple[Place | None, str], Tensor]:
    """Return a diagnostic's values by layer (None for the run) and column.

    Raises:
        UsageError: what it reads was not given.
    """
    values: dict[tuple[Place | None, str], Tensor] = {}
    try:
        if (observe := getattr(diagnostic, "observe", None)) is not None:
            values |= {(None, name): value for name, value in observe(done).items()}
        if (layers := getattr(diagnostic, "layers", None)) is not None:
            for layer, of_layer in layers(done).items():
                values |= {(layer, name): value for name, value in of_layer.items()}
    except ValueError as error:  # the place of what it reads is empty
        raise UsageError(f"ganbench.Monitor: {error}; give it to monitor.step") from error
    return values


def _built(one: str | Diagnostic) -> Diagnostic:
    diagnostic = registry.build(Diagnostic, one) if isinstance(one, str) else one
    for field in diagnostic.requires_fields:
        if field not in SUPPORTED:
            raise UsageError(
                f"ganbench.Monitor: {diagnostic.name} reads {field!r}, which only a sweep keeps; leave it out"
            )
    if getattr(diagnostic, "at", ()):
        raise UsageError(
            f"ganbench.Monitor: {diagnostic.name} is at shares of a training of unknown length; give every"
        )
    return diagnostic


def _metric(one: str | Metric) -> Metric:
    return registry.build(Metric, one) if isinstance(one, str) else one


def _every(diagnostic: Diagnostic) -> int:
    """Return the steps between two uses; where shares of the training are usual, every logged step: no end is known."""
    every = getattr(diagnostic, "every", None) or getattr(diagnostic, "usual", 1)
    return every if isinstance(every, int) else 1


def _logits(given: Tensor | None) -> Tensor | None:
    """Return answers of any shape, those of a patch each, as `[1, B]`."""
    return None if given is None else given.reshape(1, -1).float()


def _numbers(
    values: Mapping[tuple[Place | None, str], Tensor],
) -> tuple[dict[str, float], dict[Place, dict[str, float]]]:
    run: dict[str, float] = {}
    layers: dict[Place, dict[str, float]] = {}
    if values:
        device = next(iter(values.values())).device
        flat = torch.stack([value.reshape(()).double().to(device) for value in values.values()]).tolist()
        for (place, name), number in zip(values, flat, strict=True):
            (run if place is None else layers.setdefault(place, {}))[name] = number
    return run, layers
