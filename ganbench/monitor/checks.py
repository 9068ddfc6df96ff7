"""What is looked at when a monitor is made."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import torch

from ganbench.core import registry
from ganbench.core.errors import UsageError
from ganbench.losses import Loss
from ganbench.monitor.player import Player

log = logging.getLogger("ganbench.monitor")


def check_numbers(whole: Mapping[str, int | None], overhead: float, kind: str | None) -> None:
    """Refuse numbers and words without a meaning.

    Raises:
        UsageError: names the argument.
    """
    for name, value in whole.items():
        if value is not None and value < 1:
            raise UsageError(f"ganbench.Monitor: {name} is {value}; give a whole number from 1 on")
    if not overhead > 0:
        raise UsageError(f"ganbench.Monitor: overhead is {overhead}; give a share above 0, like 0.02")
    if kind not in (None, "audio"):
        raise UsageError(f"ganbench.Monitor: kind is {kind!r}; give 'audio', or nothing")


def loss_of(chosen: str | Loss | None) -> Loss | None:
    """Return the loss that a name or another name of it stands for: `"lsgan"` is `least_squares`."""
    if not isinstance(chosen, str):
        return chosen
    others = registry.aliases(registry.components(Loss).values())
    return registry.build(Loss, others.get(chosen.lower(), chosen))


def readable(g: Player, d: Player) -> bool:
    """Return whether this process holds whole weights; say where it does not, as nothing is watched then."""
    if not (g.sharded or d.sharded):
        return True
    log.warning(
        "ganbench.Monitor: the weights are spread over processes (FSDP2), and one of them cannot read them: nothing is "
        "watched; remedy: watch a run under DistributedDataParallel"
    )
    return False


def say_what_is_shared(g: Player, d: Player) -> None:
    """Say where both networks hold the same weights: the numbers of one are then the other's as well."""
    both = g.place.keys() & d.place.keys()
    if both:
        weights = sum(g.param(g.place[i]).numel() for i in both)
        log.warning(
            "ganbench.Monitor: generator (%s) and discriminator (%s) share %d parameters (%s weights), which count for "
            "both; give the two networks themselves, not what holds them",
            type(g.module).__name__,
            type(d.module).__name__,
            len(both),
            f"{weights:,}",
        )


def rank() -> int:
    """Return this process's place in a distributed run, 0 without one."""
    distributed = torch.distributed
    return distributed.get_rank() if distributed.is_available() and distributed.is_initialized() else 0
