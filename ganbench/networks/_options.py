"""What the options of a network's discriminator mean to the rest of a trial."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ganbench.networks._weight_norm import WeightNormed

if TYPE_CHECKING:
    from ganbench.networks import Net


def discriminator_traits(options: Mapping[str, object]) -> tuple[str, ...]:
    """Return what others may object to in a discriminator with these options."""
    having = {
        "couples samples": options.get("d_norm") == "batch",
        "normalised discriminator": options.get("d_norm", "none") != "none",
        "random discriminator": bool(options.get("d_dropout")),
        "weight norm": bool(options.get("d_weight_norm")),
    }
    return tuple(trait for trait, there in having.items() if there)


def reparametrised(net: Net, weight_norm: bool) -> Net:
    """Return the network, with weight norm if asked for."""
    return WeightNormed(net) if weight_norm else net
