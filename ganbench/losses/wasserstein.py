"""The Wasserstein loss."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.core.lazy import Tensor
from ganbench.core.protocols import HARD, Targets
from ganbench.losses import Loss


@dataclass(frozen=True)
class Wasserstein(Loss):
    """Wasserstein loss: D minimises E f − E r, G minimises −E f.

    It is a distance only for a Lipschitz critic: combine it with weight clipping or a gradient penalty.
    """

    name = "wasserstein"
    aliases = ("wgan",)
    source = "Arjovsky et al. 2017, arXiv:1701.07875, algorithm 1"
    addresses = "vanishing gradient; a loss that follows quality"
    optimum = 0.0
    zero_sum = True
    traits = ("no targets",)

    def discriminator(self, real: Tensor, fake: Tensor, targets: Targets = HARD) -> Tensor:
        """Return E f − E r, `[..., B] → [...]`."""
        return fake.mean(-1) - real.mean(-1)

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return −E f, `[..., B] → [...]`."""
        return -fake.mean(-1)
