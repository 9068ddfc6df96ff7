"""What the order of backward passes and optimisers' steps says of a player's updates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from torch import Tensor


class Pass(NamedTuple):
    """A backward pass.

    Attributes:
        reached: player → what `.grad` of its watched weight held before it, at most (None: nothing).
        added: the watched weights whose `.grad` it has changed, by their ids; `torch.autograd.grad` changes none.
    """

    reached: dict[str, Tensor | None]
    added: set[int]


class Stepped(NamedTuple):
    """An optimiser's step: the players that it moves by a gradient, and which optimiser it is."""

    players: frozenset[str]
    optimizer: int


Events = Sequence[Pass | Stepped]


@dataclass
class Updates:
    """How many of a player's updates, in the events of a few steps, are made of what.

    Attributes:
        all: the updates.
        kept: that hold what an earlier update of the player was made of as well.
        mixed: that hold a pass which the other player has stepped by, or will.
        lost: behind a pass of the player alone that was cleared before they were made.
        alone, foreign: of one pass, which reached the player alone, or the other as well; by optimiser.
        single: the passes that an update is made of, where it is one, by their places.
        own: passes that reached this player alone.
    """

    all: int = 0
    kept: int = 0
    mixed: int = 0
    lost: int = 0
    alone: Counter[int] = field(default_factory=Counter[int])
    foreign: Counter[int] = field(default_factory=Counter[int])
    single: set[int] = field(default_factory=set[int])
    own: int = 0


def updates_of(events: Events, name: str, other: str) -> Updates:
    """Count a player's updates."""
    counts, since = Updates(), 0
    counts.own = sum(_is_own(event, name, other) for event in events)
    for i, event in enumerate(events):
        if not isinstance(event, Stepped) or name not in event.players:
            continue
        counts.all += 1
        chain = _chain(events, i, name)
        if len(chain) == 1:
            counts.single.add(chain[0])
            (counts.alone if _is_own(events[chain[0]], name, other) else counts.foreign)[event.optimizer] += 1
        between = [e for e in events[chain[0] : i] if isinstance(e, Stepped)] if chain else []
        if any(name in e.players for e in between):
            counts.kept += 1
        elif any(other in e.players for e in between) or _together(events, chain, i, name, other):
            counts.mixed += 1
        counts.lost += _has_lost(events, since, chain, name, other)
        since = i + 1
    return counts


def _is_own(event: Pass | Stepped, name: str, other: str) -> bool:
    return isinstance(event, Pass) and name in event.reached and other not in event.reached


def _chain(events: Events, end: int, name: str) -> list[int]:
    """Return the places of the passes that an update at a place is made of, in their order."""
    chain: list[int] = []
    for i in range(end - 1, -1, -1):
        event = events[i]
        if isinstance(event, Pass) and name in event.reached:
            chain.insert(0, i)
            held = event.reached[name]
            if held is None or not bool(held > 0):
                break
    return chain


def _together(events: Events, chain: Sequence[int], end: int, name: str, other: str) -> bool:
    """Say whether both players step after both passes, one of which reached this one by the other's loss."""
    if len(chain) < 2 or name != "D":
        return False
    kinds = {other in e.reached for i in chain if isinstance(e := events[i], Pass)}
    beside = [*events[end + 1 : end + 2], *events[end - 1 : end]]
    return len(kinds) == 2 and any(isinstance(e, Stepped) and other in e.players for e in beside)


def _has_lost(events: Events, since: int, chain: Sequence[int], name: str, other: str) -> bool:
    """Say whether a pass since the update before reached weights of this one, and is not in it any more."""
    first = events[chain[0]] if chain else None
    if not isinstance(first, Pass):
        return False
    before = [e for e in events[since : chain[0]] if isinstance(e, Pass) and _is_own(e, name, other)]
    return any(e.added & first.added for e in before)
