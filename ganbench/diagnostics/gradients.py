"""Gradient norms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganbench.core.column import Column
from ganbench.core.lazy import torch
from ganbench.diagnostics import Diagnostic, Step, by_layer

if TYPE_CHECKING:
    from torch import Tensor

    from ganbench.core.protocols import PlayerName, PlayerUpdate


@dataclass(frozen=True)
class Gradients(Diagnostic):
    """Gradient norms ‖∂L/∂θ‖ of each network and of each of its layers, before any clipping.

    The generator's below 1e-3 with bad samples: vanishing; above 1e3: exploding; healthy small networks stay in
    0.2 to 1.5. Not finite where the gradient is not.
    """

    name = "gradients"
    aliases = ("gradient_norms", "grad_norm")
    source = "Arjovsky & Bottou 2017, arXiv:1701.04862, section 2"
    columns = (
        Column(
            "grad_norm_g",
            "L2 norm of the generator's gradient, before clipping",
            title="Gradient, generator",
            scale="log",
            curve=True,
        ),
        Column(
            "grad_norm_d",
            "L2 norm of the discriminator's gradient, before clipping",
            title="Gradient, discriminator",
            scale="log",
            curve=True,
        ),
    )
    layer_columns = (Column("grad_norm", "L2 norm of the layer's gradient, before clipping"),)

    def observe(self, step: Step) -> dict[str, Tensor]:
        """Return both networks' norms, `[...]`."""
        return {
            "grad_norm_g": torch.linalg.vector_norm(step.g.gradient, dim=-1),
            "grad_norm_d": torch.linalg.vector_norm(step.d.gradient, dim=-1),
        }

    def layers(self, step: Step) -> dict[tuple[PlayerName, str], dict[str, Tensor]]:
        """Return every layer's norm, `[...]`."""
        by_place: dict[tuple[PlayerName, str], dict[str, Tensor]] = {}
        updates: dict[PlayerName, PlayerUpdate] = {"G": step.g, "D": step.d}
        for network, update in updates.items():
            rank = update.gradient.dim() - 1
            for layer, tensors in by_layer(update.views(update.gradient)).items():
                flat = torch.cat([tensor.flatten(rank) for tensor in tensors], dim=-1)
                by_place[network, layer] = {"grad_norm": torch.linalg.vector_norm(flat, dim=-1)}
        return by_place
