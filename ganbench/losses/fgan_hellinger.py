"""The f-GAN loss of the squared Hellinger distance."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.core.lazy import Tensor
from ganbench.core.protocols import HARD, Targets
from ganbench.losses import Loss
from ganbench.losses._exponential import exponential


@dataclass(frozen=True)
class FganHellinger(Loss):
    """f-GAN for the squared Hellinger distance: D minimises E e^(−r) + E e^f − 2, G minimises 1 − E e^f.

    Minus D's loss is a lower bound of ∫(√p − √q)², tight at r = ½ log(p/q). The generator's gradient −e^f vanishes
    against a confident discriminator. Beyond 40 each exponential goes on as its tangent.
    """

    name = "fgan_hellinger"
    group = "f-GAN"
    source = "Nowozin et al. 2016, arXiv:1606.00709, eq. 6 and tables 1, 2 and 6"
    addresses = "fixed choice of divergence: Hellinger is bounded and symmetric"
    optimum = 0.0
    zero_sum = True
    traits = ("no targets",)

    def discriminator(self, real: Tensor, fake: Tensor, targets: Targets = HARD) -> Tensor:
        """Return E e^(−r) + E e^f − 2, `[..., B] → [...]`."""
        return exponential(-real).mean(-1) + exponential(fake).mean(-1) - 2.0

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return 1 − E e^f, `[..., B] → [...]`."""
        return 1.0 - exponential(fake).mean(-1)
