"""Interrupts: the first one ends a run in good order, a second one at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType

from ganbench.core.errors import INTERRUPTED, Interrupted

SIGNALS = (signal.SIGINT, signal.SIGTERM)
Handler = Callable[[int, FrameType | None], object] | int | None


class Interrupts:
    """Within it SIGINT and SIGTERM raise `Interrupted` (130, 143); a second signal ends the process at once.

    Where a signal lands inside compiled code it may come out as any KeyboardInterrupt, and outside the main thread
    signals cannot be caught and stay as they are: who runs something catches KeyboardInterrupt and asks `exit_code`.
    """

    def __init__(self) -> None:
        self.code: int | None = None
        self._before: dict[int, Handler] = {}

    def __enter__(self) -> Interrupts:
        """Catch both signals."""
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.getsignal(number) for number in SIGNALS}
            self.install()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Put back what was there."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @property
    def exit_code(self) -> int:
        """Return 128 plus the number of the signal that came; 130 where none is known."""
        return self.code or INTERRUPTED

    def install(self) -> None:
        """Catch the signals again: Ray puts its own handlers in place when it starts."""
        for number in self._before:
            signal.signal(number, self._handle)

    def check(self) -> None:
        """Raise again what was asked for, in case something in between has swallowed it.

        Raises:
            Interrupted: a signal has come.
        """
        if self.code is not None:
            raise Interrupted(self.code)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.code is not None:
            os._exit(128 + number)
        self.code = 128 + number
        raise Interrupted(self.code)
