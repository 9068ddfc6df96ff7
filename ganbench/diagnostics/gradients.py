"""Gradient norms."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.core.column import Column
from ganbench.core.lazy import Tensor, torch
from ganbench.core.protocols import PlayerName, PlayerUpdate
from ganbench.diagnostics import Diagnostic, Step, by_layer
from ganbench.diagnostics._norms import vector_norm
from ganbench.diagnostics._slopes import loss_unit


@dataclass(frozen=True)
class Gradients(Diagnostic):
    """Gradient norms ‖∂L/∂θ‖ of each network and of each of its layers, before any clipping.

    A norm alone depends on the scale of the loss and on that of the weights. Its push ‖∂L/∂θ‖ ‖θ‖ / u does not: it is
    how far the logits move for a relative change of the weights, u the slope of the loss itself (the largest |dL/df|
    at logits −1, 0 and 1), taken as 1 where the loss is not known. Not finite where the gradient is not.
    """

    name = "gradients"
    version = 2
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
        Column(
            "grad_push_g",
            "norm of the generator's gradient times that of its weights, over the loss's own slope",
            title="Push, generator",
            scale="log",
        ),
        Column(
            "grad_push_d",
            "norm of the discriminator's gradient times that of its weights, over the loss's own slope",
            title="Push, discriminator",
            scale="log",
        ),
    )
    layer_columns = (Column("grad_norm", "L2 norm of the layer's gradient, before clipping"),)

    def observe(self, step: Step) -> dict[str, Tensor]:
        """Return both networks' norms and pushes, `[...]`."""
        players: dict[PlayerName, PlayerUpdate] = {"G": step.g, "D": step.d}
        values = {}
        for player, update in players.items():
            norm = vector_norm(update.gradient)
            values[f"grad_norm_{player.lower()}"] = norm
            weights = vector_norm(update.after)
            unit = 1.0 if step.loss is None else loss_unit(step.loss, player)
            values[f"grad_push_{player.lower()}"] = norm * weights / unit
        return values

    def layers(self, step: Step) -> dict[tuple[PlayerName, str], dict[str, Tensor]]:
        """Return every layer's norm, `[...]`."""
        by_place: dict[tuple[PlayerName, str], dict[str, Tensor]] = {}
        updates: dict[PlayerName, PlayerUpdate] = {"G": step.g, "D": step.d}
        for network, update in updates.items():
            rank = update.gradient.dim() - 1
            for layer, tensors in by_layer(update.views(update.gradient)).items():
                flat = torch.cat([tensor.flatten(rank) for tensor in tensors], dim=-1)
                by_place[network, layer] = {"grad_norm": vector_norm(flat)}
        return by_place
