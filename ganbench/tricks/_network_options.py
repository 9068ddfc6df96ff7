"""Tricks that only set an option of the network: whether the trial's network has it."""

from __future__ import annotations

import typing

from ganbench.core.facts import TrialFacts


def lacking(trial: TrialFacts, option: str, value: object) -> str | None:
    """Return why a trial's network cannot have this option at this value, or None."""
    network = trial.network.build()
    if option not in network.parameters:
        return f"{network.name} has no option {option}"
    kind = typing.get_type_hints(type(network))[option]
    if typing.get_origin(kind) is typing.Literal and value not in typing.get_args(kind):
        return f"{network.name} has no {option}: {value} (known: {', '.join(typing.get_args(kind))})"
    return None
