"""The f-GAN loss of the Pearson χ² divergence."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.core.lazy import Tensor
from ganbench.core.protocols import HARD, Targets
from ganbench.losses import Loss


@dataclass(frozen=True)
class FganPearson(Loss):
    """f-GAN for Pearson's χ²(p ‖ q): D minimises −E r + E[f²/4 + f], G minimises −E[f²/4 + f], with f clamped to ≥ −2.

    Minus D's loss is a lower bound of χ²(p ‖ q) = E_q(p/q − 1)², tight at r = 2(p/q − 1) ≥ −2. The conjugate of χ² is
    flat below −2, where the parabola would turn the generator's sign; there the gradient is zero.
    """

    name = "fgan_pearson"
    group = "f-GAN"
    source = "Nowozin et al. 2016, arXiv:1606.00709, eq. 6 and tables 1, 2 and 6"
    addresses = "fixed choice of divergence: χ² weighs missing modes most"
    optimum = 0.0
    zero_sum = True
    traits = ("no targets",)

    def discriminator(self, real: Tensor, fake: Tensor, targets: Targets = HARD) -> Tensor:
        """Return −E r + E[f²/4 + f], `[..., B] → [...]`."""
        return _conjugate(fake).mean(-1) - real.mean(-1)

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return −E[f²/4 + f], `[..., B] → [...]`."""
        return -_conjugate(fake).mean(-1)


def _conjugate(f: Tensor) -> Tensor:
    """Return the convex conjugate of (u − 1)² over u ≥ 0: f²/4 + f from −2 on, −1 below."""
    f = f.clamp(min=-2.0)
    return 0.25 * f.square() + f
