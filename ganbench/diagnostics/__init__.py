"""Diagnostics: what reads the training dynamics. One file each; a file's presence registers it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Protocol

from annotated_types import Ge, Gt, Le

from ganbench.core.column import Column
from ganbench.core.component import Component
from ganbench.core.protocols import PlayerUpdate as PlayerUpdate

if TYPE_CHECKING:
    from torch import Tensor


Network = Literal["D", "G"]


class LossLike(Protocol):
    """The losses that the players descend, as far as diagnostics read them (`ganbench.losses.Loss`)."""

    @property
    def optimum(self) -> float:
        """The discriminator's loss where generated and real data agree and it can do no better."""
        ...

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return the generator's loss of logits, `[..., B] → [...]`."""
        ...


class Probe(Protocol):
    """Both networks as they are after the step, in evaluation mode, at samples that stay the same through a trial.

    Attributes:
        real, heldout, fake: as the discriminator sees them, `[..., N, *sample]`; of training data, of data it never
            trains on, and of the generator.
    """

    @property
    def real(self) -> Tensor:
        """Training samples."""
        ...

    @property
    def heldout(self) -> Tensor:
        """Samples that training never sees."""
        ...

    @property
    def fake(self) -> Tensor:
        """Generated samples."""
        ...

    def discriminator(self, x: Tensor) -> Tensor:
        """Return the logits `[..., N]` of what the discriminator sees, differentiable with respect to it."""
        ...


class GameVectorField(Protocol):
    """Both players' game as a vector field: v(ω) = (−∇L_D, −∇L_G), penalties included, ω all weights of both.

    It is taken on fixed minibatches in float64, in training mode. Weights are `[..., P]`, the discriminator's first.
    """

    @property
    def undefined(self) -> str | None:
        """Say why the players do not descend a field of their losses, or None."""
        ...

    @property
    def seeds(self) -> int:
        """Return the length of the leading axis."""
        ...

    @property
    def weights(self) -> Tensor:
        """Return the weights now."""
        ...

    @property
    def start(self) -> Tensor:
        """Return the weights when training began."""
        ...

    @property
    def n_discriminator(self) -> int:
        """Return how many of the weights are the discriminator's."""
        ...

    def velocity(self, weights: Tensor, minibatch: int = 0) -> Tensor:
        """Return v `[..., P]` at weights `[..., P]` on one of the fixed minibatches."""
        ...

    def vjp(self, seed: int | None = None) -> Callable[[Tensor], Tensor]:
        """Return u → Jᵀu with J = ∂v/∂ω at the weights now, of all seeds or of one place of the seed axis."""
        ...

    def duality_gap(self, steps: int) -> tuple[Tensor, Tensor] | None:
        """Return the game's value `[...]` after D's answer and after G's, of so many updates of a copy each."""
        ...


@dataclass(frozen=True)
class Step:
    """What a step leaves for reading; what no diagnostic wants is None.

    Attributes:
        d, g: the last update of each player.
        loss: the losses they descend; None where a trick replaces the generator's.
        earlier: each player's gradient `[..., P]` one step before; without those that did not move in between.
        probe: the networks themselves.
        field: their game around the weights they have.
    """

    d: PlayerUpdate
    g: PlayerUpdate
    loss: LossLike | None = None
    earlier: Mapping[Network, Tensor] = dataclasses.field(default_factory=dict)
    probe: Probe | None = None
    field: GameVectorField | None = None


@dataclass(frozen=True)
class Diagnostic(Component):
    """Reads a step at the logging cadence; changes nothing: no random number, no gradient, no weight.

    It defines `observe(step) -> {column: [...]}`, `layers(step) -> {(network, layer): {column: [...]}}`, or both. A
    column may be left out where it has no meaning; it is null then. One that costs more has a schedule: with `every`
    it is asked at the first logged step of each `every` steps, with `at` at the first logged step from each of these
    shares of the training on.

    Attributes:
        columns: of the history table. layer_columns: of the layers table.
        requires_fields: what it reads besides: `"before"` (weights before the update), `"earlier"` (gradients),
            `"probe"`, `"field"`.
    """

    kind: ClassVar[str] = "diagnostic"
    columns: ClassVar[tuple[Column, ...]] = ()
    layer_columns: ClassVar[tuple[Column, ...]] = ()
    requires_fields: ClassVar[tuple[str, ...]] = ()


@dataclass(frozen=True)
class Scheduled(Diagnostic):
    """One with a schedule: `every` so many steps, or `at` shares of the training; the class says which by default."""

    usual: ClassVar[int | tuple[float, ...]] = (0.5, 1.0)

    every: Annotated[int, Ge(1)] | None = None
    at: tuple[Annotated[float, Gt(0), Le(1)], ...] = ()

    def __post_init__(self) -> None:
        """Refuse two schedules.

        Raises:
            ValueError: both are given.
        """
        if self.every is not None and self.at:
            raise ValueError("give every (steps) or at (shares of the training), not both")


def schedule(diagnostic: Diagnostic) -> int | tuple[float, ...]:
    """Return the steps between two uses of a diagnostic, or the shares of the training it is used at.

    `at` comes first: `every` may have a default.
    """
    every, at = getattr(diagnostic, "every", None), getattr(diagnostic, "at", ())
    return tuple(at) or every or getattr(diagnostic, "usual", 1)


def by_layer(tensors: Mapping[str, Tensor]) -> dict[str, list[Tensor]]:
    """Return the parameters of each layer: `linear0.weight` and `linear0.bias` are `linear0`."""
    layers: dict[str, list[Tensor]] = {}
    for name, tensor in tensors.items():
        layers.setdefault(name.rpartition(".")[0], []).append(tensor)
    return layers
