"""The distribution of the latents."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Literal

from ganbench.core.lazy import F, Tensor, torch
from ganbench.tricks import Trick


@dataclass(frozen=True)
class Latent(Trick):
    """Draw the generator's input from another distribution than N(0, I), in training and evaluation alike.

    uniform: U(−1, 1) in each number. sphere: uniform on the sphere of radius √Z, the typical length of a normal one.
    How many numbers there are is the network's `latent`.
    """

    name = "latent"
    group = "data"
    source = (
        "uniform: Radford et al. 2016, arXiv:1511.06434, section 4; sphere: White 2016, arXiv:1609.04468, section 2"
    )
    addresses = "latents far out, where training never was"
    traits = ("other latents",)

    distribution: Literal["uniform", "sphere"] = "uniform"

    def latent(self, z: Tensor) -> Tensor:
        """Return latents made of standard normal ones, `[..., Z]`."""
        if self.distribution == "uniform":
            return torch.erf(z / sqrt(2.0))  # 2Φ(z) − 1
        return sqrt(z.shape[-1]) * F.normalize(z, dim=-1)
