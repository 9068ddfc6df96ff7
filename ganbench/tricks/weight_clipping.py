"""Weight clipping of the critic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt

from ganbench.core.lanes import along
from ganbench.core.lazy import Tensor, torch
from ganbench.tricks import Trick


@dataclass(frozen=True)
class WeightClipping(Trick):
    """Clamp every weight of the discriminator to [−c, c] after each of its updates: w ← min(max(w, −c), c)."""

    name = "weight_clipping"
    aliases = ("clipping", "clip")
    group = "penalty"
    source = "Arjovsky et al. 2017, arXiv:1701.07875, algorithm 1"
    addresses = "unbounded critic of the Wasserstein loss"
    traits = ("weight clipping",)
    conflicts = {
        "spectral norm": "spectral norm divides the clipped weights by their own size",
        "penalty": "a gradient penalty bounds the critic already",
    }
    strength = "c"
    lanes = ("c",)

    c: Annotated[float, Gt(0)] = 0.01

    def after(self, player: str, weights: Tensor) -> None:
        """Clamp the discriminator's weights `[..., P]` in place."""
        if player == "D":
            c = torch.as_tensor(along(self.c, weights, 1), dtype=weights.dtype, device=weights.device)
            weights.clamp_(-c, c)
