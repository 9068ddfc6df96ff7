"""Diagnostics: what reads the training dynamics. One file each; a file's presence registers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from ganbench.core.column import Column
from ganbench.core.component import Component
from ganbench.core.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Pass:
    """What one player's update leaves for reading; every tensor may have leading axes (seeds).

    Attributes:
        loss: `[...]`, penalties included.
        real_logits, fake_logits: `[..., B]`; real is None where the loss did not look at real samples.
        gradients: by parameter name, before clipping. before, after: the weights around the update; `before` is None
            unless a diagnostic asked for it.
    """

    loss: Tensor
    real_logits: Tensor | None
    fake_logits: Tensor
    gradients: Mapping[str, Tensor]
    after: Mapping[str, Tensor]
    before: Mapping[str, Tensor] | None


@dataclass(frozen=True)
class Step:
    """The last discriminator and generator update of a step. `rank` is the number of leading axes (1: seeds)."""

    d: Pass
    g: Pass
    rank: int


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


def squared_norms(tensors: Mapping[str, Tensor], rank: int) -> dict[str, Tensor]:
    """Return Σ x² of each tensor over all but its `rank` leading axes, `[...]`."""
    norms = {}
    for name, tensor in tensors.items():
        flat = tensor.flatten(rank) if tensor.dim() > rank else tensor.unsqueeze(-1)
        norms[name] = torch.linalg.vector_norm(flat, dim=-1).square()
    return norms


def by_layer(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the sums over the parameters of each layer: `linear0.weight` and `linear0.bias` are `linear0`."""
    layers: dict[str, Tensor] = {}
    for name, value in values.items():
        layer = name.rpartition(".")[0]
        layers[layer] = layers[layer] + value if layer in layers else value
    return layers
