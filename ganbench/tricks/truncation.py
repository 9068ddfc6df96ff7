"""The truncation trick."""

from __future__ import annotations

from dataclasses import dataclass
from math import erf, sqrt
from typing import Annotated

from annotated_types import Gt

from ganbench.core.lazy import Tensor, torch
from ganbench.tricks import Trick


@dataclass(frozen=True)
class Truncation(Trick):
    """Judge samples of latents from N(0, 1) cut off at ±threshold; training keeps the whole distribution.

    Each number z becomes Φ⁻¹(Φ(−t) + Φ(z) (Φ(t) − Φ(−t))), which has exactly the truncated law. It trades variety for
    quality: compare it with equally truncated runs alone.
    """

    name = "truncation"
    group = "data"
    source = "Brock et al. 2019, arXiv:1809.11096, section 3.1"
    addresses = "poor samples from latents far out (in evaluation alone)"
    conflicts = {"other latents": "the cut is one of normal latents"}

    threshold: Annotated[float, Gt(0)] = 0.5

    def evaluation_latent(self, z: Tensor) -> Tensor:
        """Return truncated latents `[..., Z]` made of standard normal ones."""
        tail = 0.5 * (1.0 + erf(-self.threshold / sqrt(2.0)))
        share = torch.special.ndtr(z.double())
        return torch.special.ndtri(tail + share * (1.0 - 2.0 * tail)).to(z.dtype)
