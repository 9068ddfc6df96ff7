"""The energy-based loss of EBGAN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt

from ganbench.core.lazy import F, Tensor
from ganbench.core.protocols import HARD, Targets
from ganbench.losses import Loss


@dataclass(frozen=True)
class EBGAN(Loss):
    """Energy loss: D minimises E[E(x)] + E[m − E(G(z))]₊, G minimises E[E(G(z))].

    The energy E ≥ 0 is an autoencoder's reconstruction error and a logit is −E, so that, as everywhere, a higher logit
    is a more real one: D minimises −E r + E[m + f]₊, G minimises −E f. The margin m has the unit of the energy.
    """

    name = "ebgan"
    aliases = ("energy_based",)
    version = 2
    source = "Zhao et al. 2016, arXiv:1609.03126, eq. 1-2"
    addresses = "a discriminator with one number to say: an autoencoder judges every coordinate"
    traits = ("no targets", "energy")
    requires = {"autoencoder": "the loss is one of energies, which only a reconstruction error gives"}

    margin: Annotated[float, Gt(0)] = 10.0

    @property
    def optimum(self) -> float:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Return m: D's loss in the Nash equilibrium (theorem 1 of the paper)."""
        return self.margin

    @property
    def midpoint(self) -> float:
        """Return −m/2, between the 0 that the loss asks of real samples and the −m of generated ones."""
        return -self.margin / 2

    def discriminator(self, real: Tensor, fake: Tensor, targets: Targets = HARD) -> Tensor:
        """Return −E r + E[m + f]₊, `[..., B] → [...]`."""
        return F.relu(self.margin + fake).mean(-1) - real.mean(-1)

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return −E f, `[..., B] → [...]`."""
        return -fake.mean(-1)
