"""Reads one step of somebody's training with the diagnostics of a sweep, on a seed axis of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from ganbench.core import registry
from ganbench.core.column import Column
from ganbench.core.errors import UsageError
from ganbench.diagnostics import Diagnostic, Step
from ganbench.losses import Loss
from ganbench.monitor.hooks import Player
from ganbench.monitor.isolation import call, evaluating, untouched_randomness

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
SUPPORTED = {"before", "probe"}  # of what a diagnostic may want
PROBE_SAMPLES = 256

Place = tuple[str, str]


class View:
    """The diagnostics of a monitor.

    Args:
        loss: what both players descend, where that is known.
        asked: names or diagnostics; None takes those of the usual ones whose needs a step gives.
    """

    def __init__(self, loss: Loss | None, asked: Sequence[str | Diagnostic] | None) -> None:
        self.loss, self._asked = loss, asked
        self._usual = {name: _built(name) for name in USUAL} if asked is None else {}
        self._found: dict[str, Diagnostic] = {d.name: d for d in map(_built, asked or ())}
        self._last: dict[str, int] = {}

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """Return all that have been read so far, or will be."""
        return list(self._found.values())

    @property
    def columns(self) -> list[Column]:
        """Return the declarations of what is read."""
        return [column for d in self.diagnostics for column in (*d.columns, *d.layer_columns)]

    def read(
        self, step: int, d: Player, g: Player, given: Mapping[str, Tensor], heldout: Tensor | None
    ) -> tuple[dict[str, float], dict[Place, dict[str, float]]]:
        """Return what the diagnostics that are due say of a step, of the run and of its layers.

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
        if self._asked is not None:
            return self.diagnostics
        known = {*given, *(("loss",) if self.loss is not None else ())}
        names = [name for name, needs in USUAL.items() if known.issuperset(needs)]
        self._found |= {name: self._usual[name] for name in names}
        return [self._usual[name] for name in names]

    def _due(self, name: str, step: int, every: int) -> bool:
        """Say whether a step is the first logged one of its `every` steps."""
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


def _read(diagnostic: Any, done: Step) -> dict[tuple[Place | None, str], Tensor]:  # noqa: ANN401 - either method
    """Return what a diagnostic says, by layer (None for the run) and column.

    Raises:
        UsageError: what it reads was not given.
    """
    values: dict[tuple[Place | None, str], Tensor] = {}
    try:
        if hasattr(diagnostic, "observe"):
            values |= {(None, name): value for name, value in diagnostic.observe(done).items()}
        if hasattr(diagnostic, "layers"):
            for layer, found in diagnostic.layers(done).items():
                values |= {(layer, name): value for name, value in found.items()}
    except ValueError as error:  # the place of what it reads is empty
        raise UsageError(f"ganbench.Monitor: {error}; give it to monitor.step") from error
    return values


def _built(one: str | Diagnostic) -> Diagnostic:
    diagnostic = cast(Diagnostic, registry.build("diagnostic", one, {})) if isinstance(one, str) else one
    for want in diagnostic.requires_fields:
        if want not in SUPPORTED:
            raise UsageError(
                f"ganbench.Monitor: {diagnostic.name} reads {want!r}, which only a sweep keeps; leave it out"
            )
    if getattr(diagnostic, "at", ()):
        raise UsageError(
            f"ganbench.Monitor: {diagnostic.name} is at shares of a training of unknown length; give every"
        )
    return diagnostic


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
