"""The relativistic paired loss."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

from ganbench.core.lazy import F, Tensor
from ganbench.core.protocols import HARD, Targets
from ganbench.losses import Loss


@dataclass(frozen=True)
class RelativisticPaired(Loss):
    """Relativistic paired loss: D minimises E s(f − r), G minimises E s(r − f), over random pairs of real and fake."""

    name = "relativistic_paired"
    aliases = ("rpgan", "rsgan", "relativistic", "r3gan")
    source = "Jolicoeur-Martineau 2018, arXiv:1807.00734, section 4.1"
    addresses = "collapse of losses that judge fakes alone"
    optimum = log(2)
    requires_real = True
    traits = ("no targets",)

    def discriminator(self, real: Tensor, fake: Tensor, targets: Targets = HARD) -> Tensor:
        """Return E s(f − r), `[..., B] → [...]`."""
        return F.softplus(fake - real).mean(-1)

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return E s(r − f) over a fresh real batch, `[..., B] → [...]`."""
        if real is None:
            raise TypeError("relativistic_paired: the generator's loss needs real logits; pass `real`")
        return F.softplus(real - fake).mean(-1)
