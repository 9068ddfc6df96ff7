"""Boundary equilibrium GAN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt, Interval

from ganbench.core.lanes import along
from ganbench.core.lazy import Tensor, torch
from ganbench.core.protocols import HARD, Targets
from ganbench.losses import Loss


@dataclass(frozen=True)
class BEGAN(Loss):
    """Boundary equilibrium: D minimises L(x) − k L(G(z)), G minimises L(G(z)).

    k ← clamp(k + λ(γ L(x) − L(G(z))), 0, 1).

    L ≥ 0 is an autoencoder's reconstruction error and a logit is −L. k starts at 0 and is a seed's own; it keeps
    L(G(z)) near γ L(x), so that neither player wins.
    """

    name = "began"
    aliases = ("boundary_equilibrium",)
    source = "Berthelot et al. 2017, arXiv:1703.10717, section 3.4"
    addresses = "an unbalanced game: k holds the two errors in proportion"
    optimum = 0.0
    traits = ("no targets", "energy")
    requires = {"autoencoder": "the loss is one of energies, which only a reconstruction error gives"}
    lanes = ("gamma", "rate")

    gamma: Annotated[float, Interval(gt=0, le=1)] = 0.5
    rate: Annotated[float, Gt(0)] = 1e-3

    def discriminator(self, real: Tensor, fake: Tensor, targets: Targets = HARD) -> Tensor:
        """Return −E r + E f, the loss at k = 1, `[..., B] → [...]`; training goes through `stateful_discriminator`."""
        return fake.mean(-1) - real.mean(-1)

    def stateful_discriminator(self, memory: dict[str, Tensor], real: Tensor, fake: Tensor) -> Tensor:
        """Return −E r + k E f and move k, `[..., B] → [...]`."""
        on_real, on_fake = -real.mean(-1), -fake.mean(-1)
        k = memory.get("k", torch.zeros_like(on_real)).detach()
        balance = along(self.gamma, on_real) * on_real.detach() - on_fake.detach()
        memory["k"] = (k + along(self.rate, k) * balance).clamp(0.0, 1.0)
        return on_real - k * on_fake

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return −E f, `[..., B] → [...]`."""
        return -fake.mean(-1)
