"""The hinge loss."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.core.lazy import F, Tensor
from ganbench.core.protocols import HARD, Targets
from ganbench.losses import Loss


@dataclass(frozen=True)
class Hinge(Loss):
    """Hinge loss: D minimises E[1 − r]₊ + E[1 + f]₊, G minimises −E f.

    At p = q the value 2 is flat: every constant |D| ≤ 1 has it.
    """

    name = "hinge"
    aliases = ("geometric_gan",)
    source = "Lim & Ye 2017, arXiv:1705.02894; Miyato et al. 2018, arXiv:1802.05957, eq. 16-17"
    addresses = "over-confident discriminator"
    optimum = 2.0
    traits = ("no targets",)

    def discriminator(self, real: Tensor, fake: Tensor, targets: Targets = HARD) -> Tensor:
        """Return E[1 − r]₊ + E[1 + f]₊, `[..., B] → [...]`."""
        return F.relu(1.0 - real).mean(-1) + F.relu(1.0 + fake).mean(-1)

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return −E f, `[..., B] → [...]`."""
        return -fake.mean(-1)
