"""The steps at which a monitor looks closer at how a loop is made: the first ones, and short windows later."""

from __future__ import annotations

WINDOWS = (1, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)  # the steps at which one begins
LENGTH = 4  # steps of a window, all of which must show the same
EARLY = 24  # steps, all of which are looked at
# One step before each window hooks are set, and one behind it what was kept is let go.
CLOSE = frozenset(range(EARLY + 2)).union(*(range(start - 1, start + LENGTH + 1) for start in WINDOWS))
