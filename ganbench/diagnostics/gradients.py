"""Gradient norms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganbench.core.column import Column
from ganbench.core.lazy import torch
from ganbench.diagnostics import Diagnostic, Network, Step, by_layer, squared_norms

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Gradients(Diagnostic):
    """Gradient norms ‖∂L/∂θ‖ of each network and of each of its layers, before any clipping.

    The generator's below 1e-3 with bad samples: vanishing; above 1e3: exploding; healthy small networks stay in
    0.2 to 1.5. Not finite where the gradient is not.
    """

    name = "gradients"
    source = "Arjovsky & Bottou 2017, arXiv:1701.04862, section 2"
    columns = (
        Column("grad_norm_g", "L2 norm of the generator's gradient, before clipping"),
        Column("grad_norm_d", "L2 norm of the discriminator's gradient, before clipping"),
    )
    layer_columns = (Column("grad_norm", "L2 norm of the layer's gradient, before clipping"),)

    def observe(self, step: Step) -> dict[str, Tensor]:
        """Return both networks' norms, `[...]`."""
        return {
            f"grad_norm_{network}": torch.stack(list(squared_norms(passed.gradients, step.rank).values())).sum(0).sqrt()
            for network, passed in (("g", step.g), ("d", step.d))
        }

    def layers(self, step: Step) -> dict[tuple[Network, str], dict[str, Tensor]]:
        """Return every layer's norm, `[...]`."""
        found: dict[tuple[Network, str], dict[str, Tensor]] = {}
        for network, passed in (("G", step.g), ("D", step.d)):
            for layer, value in by_layer(squared_norms(passed.gradients, step.rank)).items():
                found[network, layer] = {"grad_norm": value.sqrt()}
        return found
