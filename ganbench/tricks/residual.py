"""Residual connections."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ganbench.core.facts import TrialFacts
from ganbench.networks import Network
from ganbench.tricks import Trick
from ganbench.tricks._network_options import lacking


@dataclass(frozen=True)
class Residual(Trick):
    """Add each hidden layer's input to its output where sizes agree, in both networks: y = x + f(x).

    Networks of residual blocks anyway (`resnet`) have no such option.
    """

    name = "residual"
    aliases = ("skip_connections",)
    group = "network"
    source = "He et al. 2016, arXiv:1512.03385, eq. 1; in GANs: Gulrajani et al. 2017, arXiv:1704.00028"
    addresses = "gradients that vanish with depth"

    def skip(self, trial: TrialFacts) -> str | None:
        """Return why the trial's network cannot have it."""
        return lacking(trial, "residual", True)

    def network(self, network: Network) -> Network:
        """Return the network with residual connections."""
        return replace(network, **{"residual": True})
