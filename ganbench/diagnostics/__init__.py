"""Diagnostics: what reads the training dynamics. One file each; a file's presence registers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from ganbench.core.column import Column
from ganbench.core.component import Component
from ganbench.core.protocols import Pass as Pass

if TYPE_CHECKING:
    from torch import Tensor


Network = Literal["D", "G"]


class Judge(Protocol):
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

    def critic(self, x: Tensor) -> Tensor:
        """Return the logits `[..., N]` of what the discriminator sees, differentiable with respect to it."""
        ...


@dataclass(frozen=True)
class Step:
    """What a step leaves for reading; what no diagnostic wants is None.

    Attributes:
        d, g: the last update of each player.
        loss: the losses they descend; None where a trick replaces the generator's.
        earlier: each player's gradient `[..., P]` one step before; without those that did not move in between.
        probe: the networks themselves.
    """

    d: Pass
    g: Pass
    loss: Judge | None = None
    earlier: Mapping[Network, Tensor] = field(default_factory=dict)
    probe: Probe | None = None


@dataclass(frozen=True)
class Diagnostic(Component):
    """Reads a step at the logging cadence; changes nothing: no random number, no gradient, no weight.

    It defines `observe(step) -> {column: [...]}`, `layers(step) -> {(network, layer): {column: [...]}}`, or both. A
    column may be left out where it has no meaning; it is null then. One that costs more has a parameter `every`: it
    is asked at the first logged step of each `every` steps.

    Attributes:
        columns: of the history table. layer_columns: of the layers table.
        wants: what it reads besides: `"before"` (weights before the update), `"earlier"` (gradients), `"probe"`.
    """

    kind: ClassVar[str] = "diagnostic"
    columns: ClassVar[tuple[Column, ...]] = ()
    layer_columns: ClassVar[tuple[Column, ...]] = ()
    wants: ClassVar[tuple[str, ...]] = ()


def by_layer(tensors: Mapping[str, Tensor]) -> dict[str, list[Tensor]]:
    """Return the parameters of each layer: `linear0.weight` and `linear0.bias` are `linear0`."""
    layers: dict[str, list[Tensor]] = {}
    for name, tensor in tensors.items():
        layers.setdefault(name.rpartition(".")[0], []).append(tensor)
    return layers
