"""The f-GAN loss of the Kullback-Leibler divergence."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.core.lazy import Tensor
from ganbench.core.protocols import HARD, Targets
from ganbench.losses import Loss
from ganbench.losses._exponential import exponential


@dataclass(frozen=True)
class FganKL(Loss):
    """f-GAN for KL(p ‖ q): D minimises −E r + E e^(f − 1), G minimises −E e^(f − 1).

    Minus D's loss is a lower bound of KL(p ‖ q), tight at r = 1 + log(p/q). The generator's gradient −e^(f − 1)
    vanishes against a confident discriminator. Beyond a logit of 41 the exponential goes on as its tangent.
    """

    name = "fgan_kl"
    version = 2
    group = "f-GAN"
    source = "Nowozin et al. 2016, arXiv:1606.00709, eq. 6 and tables 1, 2 and 6"
    addresses = "fixed choice of divergence: KL covers every mode of the data"
    optimum = 0.0
    zero_sum = True
    traits = ("no targets",)

    @property
    def midpoint(self) -> float:
        """Return 1, the logit where p = q."""
        return 1.0

    def discriminator(self, real: Tensor, fake: Tensor, targets: Targets = HARD) -> Tensor:
        """Return −E r + E e^(f − 1), `[..., B] → [...]`."""
        return exponential(fake - 1.0).mean(-1) - real.mean(-1)

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return −E e^(f − 1), `[..., B] → [...]`."""
        return -exponential(fake - 1.0).mean(-1)
