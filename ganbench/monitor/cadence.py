"""When a monitor reads a step, and when it looks at samples: at fixed steps, or as a share of the time allows."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

clock = time.perf_counter  # tests put their own here

GROWTH = 64  # looks are a 64th of the steps so far apart: about 44 of them lie in the later half, whatever the length
GOLDEN = (math.sqrt(5) - 1) / 2  # its multiples fill [0, 1) evenly, and never repeat
EARLY = 10  # steps between two looks at first, so that 640 steps have eighty
ALLOWANCE = 1.0  # seconds that may be spent besides, so that a run of a few hundred quick steps is looked at as well


class Cadence:
    """Says at which steps something that recurs is done: a row, or a look at samples.

    Args:
        every: at its multiples, whatever it costs; None: ever further apart, as far as the budget allows.
        overhead: the share of the time that may go into it; math.inf where time must not decide.
        widest: the most steps between two. first: of all.
        varied: whether each lies somewhere else in its `every` steps, so that what a loop does every k-th step (a lazy
            regulariser) is met as often as it happens, and not always or never.
    """

    def __init__(
        self,
        every: int | None,
        overhead: float,
        widest: int | None = None,
        first: int | None = None,
        varied: bool = False,
    ) -> None:
        self.every, self.overhead, self.widest, self.varied = every, overhead, widest, varied
        self.next = first or every or 1
        self.count = 0
        self._began, self._spent, self._last = clock(), 0.0, 0.0

    def due(self, step: int) -> bool:
        """Return whether it is time."""
        return step >= self.next and (self.every is not None or self.affordable)

    @property
    def affordable(self) -> bool:
        """Return whether the share of time allows another use."""
        if math.isinf(self.overhead):
            return True
        return self._spent + self._last <= ALLOWANCE + self.overhead * (clock() - self._began)

    @contextmanager
    def spending(self, step: int) -> Iterator[None]:
        """Run the body as the use at this step: its time counts, and the next step is set even where it fails."""
        self.after(step)
        self.count += 1
        began = clock()
        try:
            yield
        finally:
            self._last = clock() - began
            # Loading libraries makes the first one slow, and says nothing about those that follow.
            if self.count > 1:
                self._spent += self._last
            else:
                self._last = 0.0

    @contextmanager
    def charged(self) -> Iterator[None]:
        """Run a body that is no use of its own, but whose time counts."""
        began = clock()
        try:
            yield
        finally:
            self._spent += clock() - began

    def after(self, step: int) -> None:
        """Set the next step, the first one after this step."""
        if self.every is not None:
            here = self._place(step // self.every, self.every)
            self.next = here if here > step else self._place(step // self.every + 1, self.every)
        else:
            gap = max(1, min(step // 8, EARLY), step // GROWTH)
            self.next = step + (gap if self.widest is None else min(gap, self.widest))

    def _place(self, window: int, every: int) -> int:
        """Return which step of a window of `every` steps is used: always the same one, so that a resumed run agrees."""
        return window * every + (int(every * (window * GOLDEN % 1)) if self.varied else 0)
