"""Layer normalisation in the discriminator."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ganbench.core.facts import TrialFacts
from ganbench.networks import Network
from ganbench.tricks import Trick
from ganbench.tricks._network_options import lacking


@dataclass(frozen=True)
class LayerNorm(Trick):
    """Normalise each sample's hidden features in the discriminator: (x − mean) / √(var + ε) · g + b.

    No sample sees another one, so gradient penalties keep their meaning: what WGAN-GP uses in batch norm's place.
    """

    name = "layer_norm"
    aliases = ("ln",)
    group = "network"
    source = "Ba et al. 2016, arXiv:1607.06450, eq. 4; Gulrajani et al. 2017, arXiv:1704.00028, section 4"
    addresses = "discriminator whose gradients vanish or explode with depth"
    cost = 1.4
    traits = ("normalised discriminator",)
    conflicts = {"normalised discriminator": "a discriminator has one normalisation"}

    def skip(self, trial: TrialFacts) -> str | None:
        """Return why the trial's network cannot have it."""
        return lacking(trial, "d_norm", "layer")

    def network(self, network: Network) -> Network:
        """Return the network with layer norm in its discriminator."""
        return replace(network, **{"d_norm": "layer"})
