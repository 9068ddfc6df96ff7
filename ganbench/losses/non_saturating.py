"""The non-saturating GAN loss."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

from ganbench.core.lazy import F, Tensor
from ganbench.core.protocols import HARD, Targets
from ganbench.losses import Loss
from ganbench.losses._cross_entropy import cross_entropy


@dataclass(frozen=True)
class NonSaturating(Loss):
    """Non-saturating loss: D as in minimax, G minimises E s(−f).

    The gradient −σ(−f) of the generator stays near −1 where the discriminator is sure.
    """

    name = "non_saturating"
    aliases = ("ns", "nsgan", "vanilla", "bce", "bce_with_logits", "logistic", "softplus")
    source = "Goodfellow et al. 2014, arXiv:1406.2661, section 3"
    addresses = "vanishing generator gradient of minimax"
    optimum = 2 * log(2)

    def discriminator(self, real: Tensor, fake: Tensor, targets: Targets = HARD) -> Tensor:
        """Return E s(−r) + E s(f), with softened targets their cross-entropy, `[..., B] → [...]`."""
        return cross_entropy(real, fake, targets)

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return E s(−f), `[..., B] → [...]`."""
        return F.softplus(-fake).mean(-1)
