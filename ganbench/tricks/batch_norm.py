"""Batch normalisation in the discriminator."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ganbench.core.facts import TrialFacts
from ganbench.networks import Network
from ganbench.tricks import Trick
from ganbench.tricks._network_options import lacking


@dataclass(frozen=True)
class BatchNorm(Trick):
    """Normalise each hidden feature of the discriminator over its minibatch: (x − mean) / √(var + ε) · g + b.

    Real and fake minibatches go through on their own, each with its own statistics, so the discriminator hardly sees a
    shift or a scale that all of a minibatch share: on low-dimensional data it harms.
    """

    name = "batch_norm"
    aliases = ("bn",)
    group = "network"
    source = "Ioffe & Szegedy 2015, arXiv:1502.03167, algorithm 1; in GANs: Radford et al. 2016, arXiv:1511.06434"
    addresses = "vanishing gradients of deep networks, poor starts"
    cost = 2.5
    traits = ("couples samples", "normalised discriminator")
    conflicts = {
        "normalised discriminator": "a discriminator has one normalisation",
    }

    def skip(self, trial: TrialFacts) -> str | None:
        """Return why the trial's network cannot have it."""
        return lacking(trial, "d_norm", "batch")

    def network(self, network: Network) -> Network:
        """Return the network with batch norm in its discriminator."""
        return replace(network, **{"d_norm": "batch"})
