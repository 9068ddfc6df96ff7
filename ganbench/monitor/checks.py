"""What is looked at when a monitor is made."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Mapping
from pathlib import Path

import torch

from ganbench.core import arguments, registry
from ganbench.core.errors import UsageError
from ganbench.core.naming import is_named
from ganbench.diagnostics import Diagnostic
from ganbench.extractors import Extractor
from ganbench.losses import Loss
from ganbench.metrics import Metric
from ganbench.monitor.player import Player

log = logging.getLogger("ganbench.monitor")


def check_numbers(whole: Mapping[str, int | None], overhead: float, kind: str | None, seed: int, resume: int) -> None:
    """Refuse numbers and words without a meaning.

    Raises:
        UsageError: names the argument.
    """
    for name, value in whole.items():
        if value is not None:
            arguments.whole(f"ganbench.Monitor: {name}", value, least=1)
    arguments.whole("ganbench.Monitor: seed", seed)
    if not isinstance(resume, bool):
        arguments.whole("ganbench.Monitor: resume", resume)
    if not (isinstance(overhead, float) and overhead == math.inf):
        arguments.number("ganbench.Monitor: overhead", overhead, above=0)
    if arguments.optional_text("ganbench.Monitor: kind", kind) not in (None, "audio"):
        raise UsageError(f"ganbench.Monitor: kind is {arguments.shown(kind)}; give 'audio', or nothing")


def check_kinds(lists: Mapping[str, object], networks: Mapping[str, object], features: object) -> None:
    """Refuse objects of other kinds than those that are asked for.

    Raises:
        UsageError: names the argument.
    """
    for name, value in lists.items():
        if value is None:
            continue
        if not isinstance(value, (list, tuple)):
            raise UsageError(f"ganbench.Monitor: {name} is {arguments.shown(value)}; give a list")
        for one in value:
            text = f"ganbench.Monitor: {name} has {arguments.shown(one)}; give"
            if name == "sinks":
                if not callable(getattr(one, "open", None)) or isinstance(one, Path):
                    raise UsageError(f"{text} sinks of ganbench.sinks")
            elif not isinstance(one, (str, Diagnostic if name == "diagnostics" else Metric)):
                raise UsageError(f"{text} names, or instances such as `ganbench list` has")
    for name, value in networks.items():
        if value is not None and (not callable(value) or isinstance(value, type)):
            raise UsageError(f"ganbench.Monitor: {name} is {arguments.shown(value)}; give a network")
    if isinstance(features, str):
        registry.find(Extractor, features)
    elif features is not None and (not callable(features) or isinstance(features, type)):
        raise UsageError(
            f"ganbench.Monitor: features is {arguments.shown(features)}; give an extractor's name or a function"
        )


def folder_of(given: object) -> Path:
    """Return the folder of the tables.

    Raises:
        UsageError: it is no path, or its name cannot stand in the tables.
    """
    folder = arguments.path("ganbench.Monitor: folder", given)
    try:
        folder.absolute().name.encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"ganbench.Monitor: folder is {arguments.shown(str(folder))}, whose name is no text in UTF-8 and cannot "
            "stand in the tables; give another path"
        ) from None
    return folder


def loss_of(chosen: str | Loss | None) -> Loss | None:
    """Return the loss that a name or another name of it stands for: `"lsgan"` is `least_squares`."""
    if not isinstance(chosen, str):
        if chosen is not None and not isinstance(chosen, Loss):
            raise UsageError(
                f"ganbench.Monitor: loss is {arguments.shown(chosen)}; give the name of a loss, or an instance of one"
            )
        return chosen
    known = registry.components(Loss)
    # `hinge_loss`, `MSELoss`; the penalty of `WGAN-GP` is no part of its loss.
    written = re.sub(r"(?i)[\W_]*(loss|gp)$", "", chosen.strip()) or chosen
    named = (name for name, cls in known.items() if is_named(written, name, *cls.aliases))
    return registry.build(Loss, next(named, chosen))


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


def say_what_needs_latents(latents: object, networks: Mapping[str, object]) -> None:
    """Say where a network is to answer the fixed latents, and there are none."""
    for name in (name for name, network in networks.items() if latents is None and network is not None):
        log.warning(
            "ganbench.Monitor: %s= is never called, as it answers latents=, and there are none; give latents=, a fixed "
            "input of the generator",
            name,
        )


def rank() -> int:
    """Return this process's place in a distributed run, 0 without one."""
    distributed = torch.distributed
    return distributed.get_rank() if distributed.is_available() and distributed.is_initialized() else 0
