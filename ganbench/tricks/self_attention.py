"""Self-attention for images."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ganbench.core.facts import TrialFacts
from ganbench.networks import Network
from ganbench.tricks import Trick
from ganbench.tricks._network_options import lacking


@dataclass(frozen=True)
class SelfAttention(Trick):
    """Let each place of a map see all others, in both networks: y = x + γ · attention(x), γ starting at 0.

    The layer sits on the map of half the image's side.
    """

    name = "self_attention"
    aliases = ("sagan", "attention")
    group = "network"
    source = "Zhang et al. 2019, arXiv:1805.08318, eq. 1-3"
    addresses = "images whose parts do not fit together"
    cost = 2.2
    requires = {"images": "points have no places to attend to"}

    def skip(self, trial: TrialFacts) -> str | None:
        """Return why the trial's network cannot have it."""
        return lacking(trial, "attention", True)

    def network(self, network: Network) -> Network:
        """Return the network with self-attention."""
        return replace(network, **{"attention": True})
