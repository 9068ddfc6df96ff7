"""Diagnostics: what reads the training dynamics. One file each; a file's presence registers it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Protocol

from annotated_types import Ge, Gt, Le

from ganbench.core.column import Column
from ganbench.core.component import Component
from ganbench.core.lazy import Tensor
from ganbench.core.protocols import PlayerName, PlayerUpdate

if TYPE_CHECKING:
    from ganbench.losses import Loss


class Probe(Protocol):
    """Both networks as they are after the step, in evaluation mode, at samples that stay the same through a trial.

    Samples are as the discriminator sees them, `[..., N, *sample]`. A sweep's probe is
    `ganbench.training.probe.ProbeSnapshot`; the monitor of somebody else's training has another one.
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


class VectorField(Protocol):
    """Both players' game as a vector field: v(ω) = (−∇L_D, −∇L_G), penalties included, ω all weights of both.

    It is taken on fixed minibatches in float64, in training mode. Weights are `[S, P]`, the discriminator's first.
    """

    @property
    def undefined(self) -> str | None:
        """Say why players do not descend a field of their losses, or None."""
        ...

    @property
    def seeds(self) -> int:
        """Return S."""
        ...

    @property
    def weights(self) -> Tensor:
        """Return both players' weights now."""
        ...

    @property
    def start(self) -> Tensor:
        """Return both players' weights when training began."""
        ...

    @property
    def n_discriminator(self) -> int:
        """Return how many of the weights are the discriminator's."""
        ...

    def velocity(self, weights: Tensor, minibatch: int = 0) -> Tensor:
        """Return v, `[S, P]`, at weights `[S, P]`, on one of the fixed minibatches."""
        ...

    def vjp(self, seed: int | None = None) -> Callable[[Tensor], Tensor]:
        """Return the product u → Jᵀu, `[S, P] → [S, P]`, of the Jacobian J = ∂v/∂ω at the weights now.

        With `seed` only that place of the seed axis is computed, and S is 1.
        """
        ...

    def duality_gap(self, steps: int) -> tuple[Tensor, Tensor] | None:
        """Return M after D's best answer and after G's, `[S]` each; M = −L_D without penalties, on held-out data.

        Each player's copy makes `steps` updates by the trial's optimiser, which starts without moments, while the other
        stands still: D on its own loss, penalties included, G against M. None where the loss has a state of its own.
        """
        ...


@dataclass(frozen=True)
class Step:
    """A step as diagnostics read it; what no diagnostic requires is None.

    Attributes:
        d, g: the last update of each player.
        loss: the losses they descend; None where a trick replaces the generator's.
        earlier: each player's gradient `[..., P]` one step before; without those that did not move in between.
        probe: the networks themselves.
        field: their game around the weights they have.
    """

    d: PlayerUpdate
    g: PlayerUpdate
    loss: Loss | None = None
    earlier: Mapping[PlayerName, Tensor] = dataclasses.field(default_factory=dict)
    probe: Probe | None = None
    field: VectorField | None = None


@dataclass(frozen=True)
class Diagnostic(Component):
    """Reads a step at the logging cadence; changes nothing: no random number, no gradient, no weight.

    It overrides `observe`, `layers`, or both. A column may be left out where it has no meaning; it is null then. One
    that costs more is `Scheduled`.

    Attributes:
        columns: of the history table. layer_columns: of the layers table.
        requires_fields: what it reads of a step besides both updates: `"before"` (weights before the update),
            `"earlier"` (gradients), `"probe"`, `"field"`.
    """

    kind: ClassVar[str] = "diagnostic"
    columns: ClassVar[tuple[Column, ...]] = ()
    layer_columns: ClassVar[tuple[Column, ...]] = ()
    requires_fields: ClassVar[tuple[str, ...]] = ()

    def observe(self, step: Step) -> dict[str, Tensor]:
        """Return what it reads of the step by column of the history table, `[...]` each."""
        return {}

    def layers(self, step: Step) -> dict[tuple[PlayerName, str], dict[str, Tensor]]:
        """Return what it reads of each layer by column of the layers table: `{("D", "linear0"): {column: [...]}}`."""
        return {}

    def schedule(self) -> int | tuple[float, ...]:
        """Return the steps between two uses, or the shares of the training at which it is used."""
        return 1


@dataclass(frozen=True)
class Scheduled(Diagnostic):
    """A diagnostic with a schedule: `every` so many steps, or `at` shares of the training.

    With `every` it reads the first logged step of each `every` steps, with `at` the first logged step from each of
    these shares of the training on.

    Attributes:
        usual: either of the two, where neither is given.
    """

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

    def schedule(self) -> int | tuple[float, ...]:
        """Return `at`, else `every`, else what is usual."""
        return self.at or self.every or self.usual


def by_layer(tensors: Mapping[str, Tensor]) -> dict[str, list[Tensor]]:
    """Return the parameters of each layer: `linear0.weight` and `linear0.bias` are `linear0`."""
    layers: dict[str, list[Tensor]] = {}
    for name, tensor in tensors.items():
        layers.setdefault(name.rpartition(".")[0], []).append(tensor)
    return layers
