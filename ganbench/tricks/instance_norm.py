"""Instance normalisation in the discriminator."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ganbench.core.facts import TrialFacts
from ganbench.networks import Network
from ganbench.tricks import Trick
from ganbench.tricks._network_options import lacking


@dataclass(frozen=True)
class InstanceNorm(Trick):
    """Normalise each channel of each image over its places in the discriminator: (x − mean) / √(var + ε) · g + b.

    No image sees another one; contrast and brightness of each channel are lost.
    """

    name = "instance_norm"
    group = "network"
    source = "Ulyanov et al. 2016, arXiv:1607.08022, eq. 3; in discriminators: Zhu et al. 2017, arXiv:1703.10593"
    addresses = "discriminator that judges by contrast"
    traits = ("normalised discriminator",)
    conflicts = {"normalised discriminator": "a discriminator has one normalisation"}
    requires = {"images": "a point's features have no places to normalise over"}

    def skip(self, trial: TrialFacts) -> str | None:
        """Return why the trial's network cannot have it."""
        return lacking(trial, "d_norm", "instance")

    def network(self, network: Network) -> Network:
        """Return the network with instance norm in its discriminator."""
        return replace(network, **{"d_norm": "instance"})
