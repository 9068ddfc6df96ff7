"""Virtual batch normalisation in the generator."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ganbench.core.facts import TrialFacts
from ganbench.networks import Network
from ganbench.tricks import Trick
from ganbench.tricks._network_options import lacking


@dataclass(frozen=True)
class VirtualBatchNorm(Trick):
    """Normalise the generator's hidden features by those of 64 fixed latents and of the sample itself.

    (x − mean) / √(var + ε) · g + b with mean and variance over those 65.
    Samples of a minibatch do not see each other, and evaluation is as training. In the generator alone, as in the
    paper: its forward pass costs 1 + 64 / batch times as much.
    """

    name = "virtual_batch_norm"
    aliases = ("vbn",)
    group = "network"
    source = "Salimans et al. 2016, arXiv:1606.03498, section 3.5"
    addresses = "batch norm's dependence of a sample on its minibatch"
    cost = 3.0

    def skip(self, trial: TrialFacts) -> str | None:
        """Return why the trial's network cannot have it."""
        return lacking(trial, "norm", "virtual")

    def network(self, network: Network) -> Network:
        """Return the network with virtual batch norm in its generator."""
        return replace(network, **{"norm": "virtual"})
