"""Weight normalisation of the discriminator."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ganbench.core.facts import TrialFacts
from ganbench.networks import Network
from ganbench.tricks import Trick
from ganbench.tricks._network_options import lacking


@dataclass(frozen=True)
class WeightNorm(Trick):
    """Learn length and direction of the discriminator's weights apart: w = g · v / ‖v‖ for each output.

    g starts at ‖v‖, so that training starts where it would without; no data are looked at.
    """

    name = "weight_norm"
    group = "network"
    source = "Salimans & Kingma 2016, arXiv:1602.07868, eq. 2; in GANs: Xiang & Li 2017, arXiv:1704.03971"
    addresses = "slow and unstable training without batch norm"
    cost = 1.8
    traits = ("weight norm",)
    conflicts = {
        "weight norm": "the weights are normalised already",
        "spectral norm": "both normalise the weights' lengths, the second undoes the first",
        "weight clipping": "clipping directions changes nothing, and clipping lengths ties them all to the bound",
    }

    def skip(self, trial: TrialFacts) -> str | None:
        """Return why the trial's network cannot have it."""
        return lacking(trial, "d_weight_norm", True)

    def network(self, network: Network) -> Network:
        """Return the network with weight norm in its discriminator."""
        return replace(network, **{"d_weight_norm": True})
