"""One run in one tracker: what fails there is said and left out, and what is slow there need not be waited for."""

from __future__ import annotations

import logging
import queue
import threading
from collections import Counter
from collections.abc import Callable
from typing import Generic, TypeVar

log = logging.getLogger("ganbench.sinks")

IN_A_ROW = 3  # failures of rows, or of pictures, after which a tracker gets no more of them
MOST = {"rows": 10_000, "pictures": 16}  # that wait for a slow tracker; a picture has up to 3 MB
PATIENCE = 30.0  # seconds that the end of a run waits for one call
REMEDY = "look at the tracker's server, its disk and its version"

W = TypeVar("W")


class Tracker(Generic[W]):
    """Calls a tracker's writer, and keeps what it raises from the run.

    What fails is tried again with the next row; after three failures in a row it is left out. Pictures and rows fail
    apart: a tracker that takes no pictures still takes rows.

    Args:
        name: of the tracker, for the messages.
        writer: of the run.
    """

    def __init__(self, name: str, writer: W) -> None:
        self.name, self._writer = name, writer
        self._failures, self._said = Counter[str](), set[str]()

    def call(self, what: str, act: Callable[[W], object]) -> None:
        """Do something with the writer; `what` it is about: rows, or pictures."""
        self._do(what, act)

    def close(self, act: Callable[[W], object]) -> None:
        """End the run."""
        self._do("the end", act)

    def _do(self, what: str, act: Callable[[W], object]) -> None:
        if self._failures[what] >= IN_A_ROW:
            return
        try:
            act(self._writer)
        except Exception as error:  # a tracker's server may be gone, its disk be full
            self._failures[what] += 1
            if self._failures[what] == IN_A_ROW:
                log.warning("%s: %s failed %d times in a row and are left out", self.name, what, IN_A_ROW)
            self._say(what, "%s failed (%s); all else goes on; remedy: %s", what, short(error), REMEDY)
        else:
            self._failures[what] = 0

    def _say(self, key: str, text: str, *values: object) -> None:
        """Log a line, unless one with its key was logged before."""
        if key not in self._said:
            self._said.add(key)
            log.warning(f"%s: {text}", self.name, *values)


class Apart(Tracker[W]):
    """As `Tracker`, in a thread of its own: a server that is slow, or hangs, takes no time of a training."""

    def __init__(self, name: str, writer: W) -> None:
        super().__init__(name, writer)
        self._calls: queue.SimpleQueue[tuple[str, Callable[[W], object]] | None] = queue.SimpleQueue()
        self._given, self._taken = Counter[str](), Counter[str]()
        self._thread = threading.Thread(target=self._work, name=f"ganbench: {name}", daemon=True)
        self._thread.start()

    def call(self, what: str, act: Callable[[W], object]) -> None:
        """Have something done, unless too much waits already."""
        if self._given[what] - self._taken[what] < MOST[what]:
            self._given[what] += 1
            self._calls.put((what, act))
            return
        every = "evaluate_every=" if what == "pictures" else "log_every="
        text = "%d %s wait, and some are left out; remedy: %s, or give a larger %s"
        self._say(f"{what} wait", text, MOST[what], what, REMEDY, every)

    def close(self, act: Callable[[W], object]) -> None:
        """End the run behind all that waits; give up where one call takes longer than half a minute."""
        self._calls.put(("the end", act))
        self._calls.put(None)
        while self._thread.is_alive():
            before = self._taken.total()
            self._thread.join(PATIENCE)
            if self._thread.is_alive() and self._taken.total() == before:
                text = "no answer for %.0f s; what waits for it is left out, the tables have it; remedy: %s"
                self._say("silent", text, PATIENCE, REMEDY)
                return

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            self._do(*call)
            self._taken[call[0]] += 1


def short(error: Exception) -> str:
    """Return the first line of an error's text, behind its kind."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
