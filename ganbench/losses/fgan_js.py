"""The f-GAN loss of the Jensen-Shannon divergence."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

from ganbench.core.lazy import F, Tensor
from ganbench.core.protocols import HARD, Targets
from ganbench.losses import Loss


@dataclass(frozen=True)
class FganJS(Loss):
    """f-GAN for Jensen-Shannon: D minimises E s(−r) + E s(f) − 2 log 2, G minimises log 2 − E s(f), s = softplus.

    Minus D's loss is a lower bound of KL(p ‖ m) + KL(q ‖ m), m = (p + q)/2, which is twice the usual Jensen-Shannon
    divergence; it is tight at r = log(p/q). The gradients are those of minimax, which takes softened targets too.
    """

    name = "fgan_js"
    aliases = ("fgan", "js")
    group = "f-GAN"
    source = "Nowozin et al. 2016, arXiv:1606.00709, eq. 6 and tables 1, 2 and 6"
    addresses = "fixed choice of divergence: Jensen-Shannon is bounded and symmetric"
    optimum = 0.0
    zero_sum = True
    traits = ("no targets",)

    def discriminator(self, real: Tensor, fake: Tensor, targets: Targets = HARD) -> Tensor:
        """Return E s(−r) + E s(f) − 2 log 2, `[..., B] → [...]`."""
        return F.softplus(-real).mean(-1) + F.softplus(fake).mean(-1) - 2.0 * log(2.0)

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return log 2 − E s(f), `[..., B] → [...]`."""
        return log(2.0) - F.softplus(fake).mean(-1)
