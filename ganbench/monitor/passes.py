"""What the order of backward passes and optimisers' steps says of a player's updates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor


class Pass(NamedTuple):
    """A backward pass.

    Attributes:
        reached: player → what `.grad` of its watched weight held before it, at most (None: nothing).
        added: the watched weights whose `.grad` it has changed, by their ids; `torch.autograd.grad` changes none.
        weights: a few numbers of each watched weight, as they were then, by its id.
    """

    reached: dict[str, Tensor | None]
    added: set[int]
    weights: dict[int, Tensor]


class Stepped(NamedTuple):
    """An optimiser's step: the players that it moves by a gradient, and which optimiser it is."""

    players: frozenset[str]
    optimizer: int


Events = Sequence[Pass | Stepped]


@dataclass
class Updates:
    """Counts a player's updates in the events of a few steps, by the backward passes that each is made of.

    Attributes:
        all: the updates.
        kept: that hold what an earlier update of the player was made of as well.
        mixed: that hold a pass of both players which the other one has stepped by, or will.
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
    """Count a player's updates; passes that only worked gradients out (`torch.autograd.grad`) are in none of them."""
    counts, since = Updates(), 0
    events = [event for event in events if isinstance(event, Stepped) or event.added]
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
        elif _is_shared(events, chain, i, other) or _together(events, chain, i, name, other):
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


def _is_shared(events: Events, chain: Sequence[int], end: int, other: str) -> bool:
    """Say whether the other player steps behind a pass that reached it too, before this one does.

    One that reached this player alone is its own, however many passes of both are gathered before both step.
    """
    both = next((i for i in chain if isinstance(e := events[i], Pass) and other in e.reached), end)
    return any(isinstance(e, Stepped) and other in e.players for e in events[both:end])


def _together(events: Events, chain: Sequence[int], end: int, name: str, other: str) -> bool:
    """Say whether both players step after both passes, one of which reached this one by the other's loss."""
    if len(chain) < 2 or name != "D":
        return False
    kinds = {other in e.reached for i in chain if isinstance(e := events[i], Pass)}
    beside = [*events[end + 1 : end + 2], *events[end - 1 : end]]
    return len(kinds) == 2 and any(isinstance(e, Stepped) and other in e.players for e in beside)


def _has_lost(events: Events, since: int, chain: Sequence[int], name: str, other: str) -> bool:
    """Say whether a pass since the update before reached weights of this one, and is not in it any more.

    Passes at other weights only looked ahead: those of a sharpness-aware step, or of a search along a line.
    """
    first = events[chain[0]] if chain else None
    if not isinstance(first, Pass):
        return False
    before = [e for e in events[since : chain[0]] if isinstance(e, Pass) and _is_own(e, name, other)]
    return any(
        (both := e.added & first.added) and all(torch.equal(e.weights[i], first.weights[i]) for i in both)
        for e in before
    )
