"""Reads one step of somebody's training as a sweep reads its own, on a seed axis of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from ganbench.core import registry
from ganbench.core.errors import UsageError
from ganbench.core.protocols import PlayerUpdate
from ganbench.diagnostics import Diagnostic, Step
from ganbench.losses import Loss
from ganbench.monitor.cast import joined
from ganbench.monitor.guard import Guard, Hopeless
from ganbench.monitor.isolation import call, evaluating, untouched_randomness
from ganbench.monitor.player import Player

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
PROBE_NUMBERS = 1 << 22  # of all of them together
ALIVE = "_alive"  # 1 where the weights and the gradients of both players are finite; in no table

Place = tuple[str, str]


class View:
    """The diagnostics of a monitor.

    Args:
        loss: what both players descend, where that is known.
        chosen: names or diagnostics; None takes those of the usual ones whose needs a step gives.
        guard: leaves out what fails.

    Attributes:
        reads_samples: whether a diagnostic reads the minibatches themselves.
    """

    def __init__(self, loss: Loss | None, chosen: Sequence[str | Diagnostic] | None, guard: Guard) -> None:
        self.loss, self.guard = loss, guard
        self._usual = {name: _built(name) for name in USUAL} if chosen is None else {}
        self._read: dict[str, Diagnostic] = {d.name: d for d in map(_built, chosen or ())}
        self._last: dict[str, int] = {}
        self.reads_samples = any("probe" in d.requires_fields for d in self._read.values())

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
        values: dict[tuple[Place | None, str], Tensor] = {
            (None, ALIVE): _alive([u for p, u in ((d, done.d), (g, done.g)) if p.caught])
        }
        with torch.no_grad():
            for diagnostic in self._readable(given):
                place = f"the diagnostic {diagnostic.name}"
                if not self._due(diagnostic.name, step, _every(diagnostic)) or self.guard.is_out(place):
                    continue
                try:
                    values |= _read(diagnostic, done)
                except Exception as error:  # what it reads is not given, or not what it takes: no use in trying again
                    self.guard.leave_out(place, error)
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
            d=_update(d, given.get("d_loss", nothing).reshape(1).float(), real, answers),
            g=_update(g, given.get("g_loss", nothing).reshape(1).float(), real, answers),
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
            condition = [self._given["condition"][: len(x[0])]] if "condition" in self._given else []
            answers = _logits(joined(call(self._discriminator, x[0], *condition)))
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
            remedy = "give ganbench.Monitor(data=) real samples that training does not use, or leave the diagnostic out"
            raise Hopeless("it reads held-out samples", remedy)
        return self._heldout.unsqueeze(0)

    def _samples(self, name: str) -> Tensor:
        if name not in self._given:
            raise ValueError(f"it reads the {name} samples")
        return self._given[name].unsqueeze(0)


def few(samples: Tensor) -> Tensor:
    """Return a copy of as many samples `[n, *shape]` as the discriminator is probed with, whatever their size."""
    most = max(2, PROBE_NUMBERS // max(1, samples[:1].numel()))
    return samples[: min(PROBE_SAMPLES, most)].detach().clone()


def _update(player: Player, loss: Tensor, real: Tensor | None, fake: Tensor) -> PlayerUpdate:
    """Return a player's update; of one that has made none, numbers that are not there."""
    if player.caught:
        return player.make_update(loss, real, fake)
    nothing = torch.full((1, 1), torch.nan)
    return PlayerUpdate(loss, real, fake, nothing, lambda _: {}, nothing, nothing)


def _alive(updates: Sequence[PlayerUpdate]) -> Tensor:
    finite = [torch.isfinite(torch.linalg.vector_norm(x)) for u in updates for x in (u.gradient, u.after)]
    return torch.stack(finite).all() if finite else torch.ones((), dtype=torch.bool)


def _read(diagnostic: Diagnostic, done: Step) -> dict[tuple[Place | None, str], Tensor]:
    """Return a diagnostic's values by layer (None for the run) and column.

    Raises:
        UsageError: what it reads was not given, or has another shape.
    """
    values: dict[tuple[Place | None, str], Tensor] = {}
    try:
        if (observe := getattr(diagnostic, "observe", None)) is not None:
            values |= {(None, name): value for name, value in observe(done).items()}
        if (layers := getattr(diagnostic, "layers", None)) is not None:
            for layer, of_layer in layers(done).items():
                values |= {(layer, name): value for name, value in of_layer.items()}
    except ValueError as error:  # the place of what it reads is empty
        raise UsageError(f"{error}, which monitor.step is to be given") from error
    return {name: value.reshape(()) for name, value in values.items()}


def _built(one: str | Diagnostic) -> Diagnostic:
    diagnostic = registry.build(Diagnostic, one) if isinstance(one, str) else one
    for field in diagnostic.requires_fields:
        if field not in SUPPORTED:
            raise UsageError(
                f"ganbench.Monitor: {diagnostic.name} reads {field!r} of a step, which only a sweep keeps; leave it out"
            )
    if getattr(diagnostic, "at", ()):
        raise UsageError(
            f"ganbench.Monitor: {diagnostic.name} has at=, shares of a training whose length is not known; "
            "give every=, a number of steps"
        )
    return diagnostic


def _every(diagnostic: Diagnostic) -> int:
    """Return the steps between two uses; where shares of the training are usual, every logged step: no end is known."""
    every = getattr(diagnostic, "every", None) or getattr(diagnostic, "usual", 1)
    return every if isinstance(every, int) else 1


def _logits(given: object) -> Tensor | None:
    """Return answers of any shape, those of a patch each, as `[1, B]`."""
    return given.reshape(1, -1).float() if isinstance(given, Tensor) else None


def _numbers(
    values: Mapping[tuple[Place | None, str], Tensor],
) -> tuple[dict[str, float], dict[Place, dict[str, float]]]:
    run: dict[str, float] = {}
    layers: dict[Place, dict[str, float]] = {}
    if values:
        device = next(iter(values.values())).device
        flat = torch.stack([value.double().to(device) for value in values.values()]).tolist()
        for (place, name), number in zip(values, flat, strict=True):
            (run if place is None else layers.setdefault(place, {}))[name] = number
    return run, layers
