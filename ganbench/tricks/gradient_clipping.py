"""Gradient clipping."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Gt

from ganbench.core.lanes import along
from ganbench.core.lazy import Tensor, torch
from ganbench.core.protocols import Player
from ganbench.tricks import Trick


@dataclass(frozen=True)
class GradientClipping(Trick):
    """Bound each run's gradient before the optimiser has it, for both players.

    By norm: g ← g · min(1, limit / ‖g‖) with the norm over all weights of the player; by value: each number to ±limit.
    """

    name = "gradient_clipping"
    aliases = ("clip_grad_norm",)
    group = "update rule"
    source = "Pascanu et al. 2013, arXiv:1211.5063, algorithm 1"
    addresses = "exploding gradient"
    strength = "limit"
    lanes = ("limit",)

    limit: Annotated[float, Gt(0)] = 1.0
    by: Literal["norm", "value"] = "norm"

    def gradients(self, player: Player, gradient: Tensor) -> Tensor:
        """Return the clipped gradient `[..., P]`."""
        limit = torch.as_tensor(along(self.limit, gradient, 1), dtype=gradient.dtype, device=gradient.device)
        if self.by == "value":
            return gradient.clamp(-limit, limit)
        norm = torch.linalg.vector_norm(gradient, dim=-1, keepdim=True)
        return gradient * (norm.clamp(min=limit).reciprocal() * limit)
