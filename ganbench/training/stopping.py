"""When a trial may end before its steps are done: once further training would not change what its report says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

# As in the rule "total collapse" of `ganbench.analysis.verdict_rules`, which training cannot import; a test holds them
# together. Lengths are in units of the data's own spread.
POINT_LIKE = 0.15
FEWEST_EVALUATIONS = 8


class Stopped(NamedTuple):
    """Where a trial was ended early, and why: one reason per seed, empty for seeds that had diverged."""

    step: int
    reasons: tuple[str, ...]


class StopRequest(NamedTuple):
    """Somebody else's decision to end a trial at an evaluation."""

    step: int
    reason: str


def collapsed_since(spread: np.ndarray, steps: Sequence[int], window: float) -> int | None:
    """Return since which step a run has been collapsed for at least `window` steps, or None.

    It is if the spread of its samples was below 0.15 at every evaluation from there to the last one. Fewer than eight
    evaluations say nothing.

    Args:
        spread: `total_spread` at each evaluation so far, in order; NaN counts as not collapsed.
        steps: of those evaluations.
        window: in steps.
    """
    if len(steps) < FEWEST_EVALUATIONS:
        return None
    spread_out = np.flatnonzero(~(spread < POINT_LIKE))
    first = int(spread_out[-1]) + 1 if len(spread_out) else 0
    if first == len(steps) or steps[-1] - steps[first] < window:
        return None
    return steps[first]


def all_finished_early(
    alive: Sequence[bool], spread: np.ndarray, steps: Sequence[int], window: float, modes: int
) -> tuple[str, ...] | None:
    """Return the reasons to end a trial now, one per seed, or None while some seed has not finished early.

    A seed has finished early once it diverged (its reason is empty: its status says so) or has been collapsed for
    `window` steps. Data with a single mode, or with unknown ones, cannot collapse.

    Args:
        alive: of each seed.
        spread: `[evaluations, S]`, `total_spread` so far.
        steps: of the evaluations.
        window: in steps.
        modes: of the data, as far as they are known.
    """
    if modes < 2:
        return None
    since = [collapsed_since(spread[:, i], steps, window) if ok else None for i, ok in enumerate(alive)]
    if any(ok and step is None for ok, step in zip(alive, since, strict=True)):
        return None
    why = f"(total_spread below {POINT_LIKE:g})"
    return tuple(f"collapsed since step {step} {why}" if ok else "" for ok, step in zip(alive, since, strict=True))
