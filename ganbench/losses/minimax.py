"""The original, saturating GAN loss."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

from ganbench.core.lazy import F, Tensor
from ganbench.core.protocols import HARD, Targets
from ganbench.losses import Loss
from ganbench.losses._cross_entropy import cross_entropy


@dataclass(frozen=True)
class Minimax(Loss):
    """Saturating minimax loss: D minimises E s(−r) + E s(f), G minimises −E s(f), s = softplus.

    The generator's gradient −σ(f) vanishes against a confident discriminator (−4.5e-5 at f = −10).
    """

    name = "minimax"
    aliases = ("saturating", "mm", "gan")
    source = "Goodfellow et al. 2014, arXiv:1406.2661, eq. 1"
    addresses = "nothing: it is the loss whose failures the others fix"
    optimum = 2 * log(2)
    zero_sum = True

    def discriminator(self, real: Tensor, fake: Tensor, targets: Targets = HARD) -> Tensor:
        """Return E s(−r) + E s(f), with softened targets their cross-entropy, `[..., B] → [...]`."""
        return cross_entropy(real, fake, targets)

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return −E s(f), `[..., B] → [...]`."""
        return -F.softplus(fake).mean(-1)
