"""The relativistic average loss."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

from ganbench.core.lazy import F, Tensor
from ganbench.core.protocols import HARD, Targets
from ganbench.losses import Loss


@dataclass(frozen=True)
class RelativisticAverage(Loss):
    """Relativistic average loss: D minimises ½[E s(−(r − f̄)) + E s(f − r̄)], G the same with the roles swapped.

    f̄ and r̄ are the batch's mean logits, s is softplus. Both players' gradients flow through the means.
    """

    name = "relativistic_average"
    aliases = ("ragan", "rasgan")
    source = "Jolicoeur-Martineau 2018, arXiv:1807.00734, section 4.3 (halved: the cross-entropy of D's mean answer)"
    addresses = "generator that ignores real data; discriminator whose answers on real data never fall"
    optimum = log(2)
    requires_real = True
    traits = ("no targets",)

    def discriminator(self, real: Tensor, fake: Tensor, targets: Targets = HARD) -> Tensor:
        """Return ½[E s(−(r − f̄)) + E s(f − r̄)], `[..., B] → [...]`."""
        return _above(real, fake)

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return ½[E s(−(f − r̄)) + E s(r − f̄)] over a fresh real batch, `[..., B] → [...]`."""
        if real is None:
            raise TypeError("relativistic_average: the generator's loss needs real logits; pass `real`")
        return _above(fake, real)


def _above(high: Tensor, low: Tensor) -> Tensor:
    """Return the loss that falls as `high` logits rise over the mean of the `low` ones and the other way round."""
    over = high - low.mean(-1, keepdim=True)
    under = low - high.mean(-1, keepdim=True)
    return 0.5 * (F.softplus(-over).mean(-1) + F.softplus(under).mean(-1))
