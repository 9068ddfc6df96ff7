"""Diagnostics: what reads the training dynamics. One file each; a file's presence registers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from ganbench.core.column import Column
from ganbench.core.component import Component
from ganbench.core.protocols import Pass as Pass

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Step:
    """The last discriminator and generator update of a step."""

    d: Pass
    g: Pass


Network = Literal["D", "G"]


@dataclass(frozen=True)
class Diagnostic(Component):
    """Reads a step at the logging cadence; changes nothing: no random number, no gradient, no weight.

    It defines `observe(step) -> {column: [...]}`, `layers(step) -> {(network, layer): {column: [...]}}`, or both.

    Attributes:
        columns: of the history table. layer_columns: of the layers table.
        wants: `("before",)` if it reads the weights before the update.
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
