"""Dropout in the discriminator."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from annotated_types import Interval

from ganbench.core.facts import TrialFacts
from ganbench.networks import Network
from ganbench.tricks import Trick
from ganbench.tricks._network_options import lacking


@dataclass(frozen=True)
class Dropout(Trick):
    """Zero each hidden feature of the discriminator with probability p in training, and scale the others by 1/(1 − p).

    h ← h · m / (1 − p) with m = 1 where a uniform number is p or more, 0 elsewhere: E h stays what it is in evaluation.
    Real and fake minibatches have masks of their own, and the generator's step has another.
    """

    name = "dropout"
    group = "network"
    source = "Srivastava et al. 2014, JMLR 15; in discriminators: Goodfellow et al. 2014, arXiv:1406.2661, section 5"
    addresses = "over-confident and overfitted discriminator"
    cost = 1.7
    traits = ("random discriminator",)
    conflicts = {
        "random discriminator": "the discriminator has dropout already",
    }
    strength = "p"
    strongest = 0.9

    p: Annotated[float, Interval(gt=0, lt=1)] = 0.5

    def skip(self, trial: TrialFacts) -> str | None:
        """Return why the trial's network cannot have it."""
        return lacking(trial, "d_dropout", self.p)

    def network(self, network: Network) -> Network:
        """Return the network with dropout in its discriminator."""
        return replace(network, **{"d_dropout": self.p})
