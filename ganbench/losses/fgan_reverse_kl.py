"""The f-GAN loss of the reverse Kullback-Leibler divergence."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.core.lazy import Tensor
from ganbench.core.protocols import HARD, Targets
from ganbench.losses import Loss
from ganbench.losses._exponential import exponential


@dataclass(frozen=True)
class FganReverseKL(Loss):
    """f-GAN for KL(q ‖ p): D minimises E e^(−r) + E f − 1, G minimises 1 − E f.

    Minus D's loss is a lower bound of KL(q ‖ p), tight at r = log(p/q). Beyond −r = 40 the exponential goes on as its
    tangent.
    """

    name = "fgan_reverse_kl"
    group = "f-GAN"
    source = "Nowozin et al. 2016, arXiv:1606.00709, eq. 6 and tables 1, 2 and 6"
    addresses = "fixed choice of divergence: reverse KL puts samples only where the data are"
    optimum = 0.0
    zero_sum = True
    traits = ("no targets",)

    def discriminator(self, real: Tensor, fake: Tensor, targets: Targets = HARD) -> Tensor:
        """Return E e^(−r) + E f − 1, `[..., B] → [...]`."""
        return exponential(-real).mean(-1) + fake.mean(-1) - 1.0

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return 1 − E f, `[..., B] → [...]`."""
        return 1.0 - fake.mean(-1)
