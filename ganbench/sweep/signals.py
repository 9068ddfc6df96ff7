"""Interrupts: the first one ends a run in good order, a second one at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType

from ganbench.core.errors import INTERRUPTED, TERMINATED, Interrupted

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
HOLDABLE = ("SIGTERM", "SIGALRM") if hasattr(signal, "pthread_sigmask") else ()
RAYS = {getattr(signal, name) for name in HOLDABLE if hasattr(signal, name)}  # that Ray handles itself
Handler = Callable[[int, FrameType | None], object] | int | None


class Interrupts:
    """Within it SIGINT, SIGTERM and SIGHUP raise `Interrupted` (130, 143, 129); a second signal ends the process.

    Where a signal lands inside compiled code it may come out as any exception, and outside the main thread signals
    cannot be caught and stay as they are: who runs something catches everything and asks `code_of`.

    Attributes:
        code: of the exit, once a signal came. error: what `raise_in_main_thread` was given.
        rescue: saves what is done where the main thread never comes back, and returns the line to print; is called in
            another thread with that error, before the program ends.
    """

    def __init__(self) -> None:
        self.code: int | None = None
        self.error: Exception | None = None
        self.rescue: Callable[[Exception], str] = str
        self._held = self._told = False
        self._before: dict[int, Handler] = {}

    def __enter__(self) -> Interrupts:
        """Catch the signals; a program that ignores SIGHUP (nohup) goes on ignoring it."""
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.getsignal(number) for number in SIGNALS}
            if self._before.get(hangup := getattr(signal, "SIGHUP", 0)) is signal.SIG_IGN:
                del self._before[hangup]
            self.install()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Put back what was there; who caught signals around this one learns of the one that came."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
            outer = getattr(handler, "__self__", None)
            if isinstance(outer, Interrupts) and outer.code is None:
                outer.code = self.code

    def code_of(self, error: BaseException) -> int | None:
        """Return the exit code of an interrupted run, 128 plus the signal's number; None where nobody interrupted it.

        Args:
            error: what ended the run. Once a signal came, whatever it is follows from that; a SystemExit without one
                is of Ray's own handler of SIGTERM, in the moment before `install`.
        """
        if self.code is not None:
            return self.code
        if isinstance(error, KeyboardInterrupt):
            return error.exit_code if isinstance(error, Interrupted) else INTERRUPTED
        return TERMINATED if isinstance(error, SystemExit) else None

    def install(self) -> None:
        """Catch the signals again: Ray puts its own handlers in place when it starts."""
        for number in self._before:
            signal.signal(number, self._handle)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let the body end before a first signal raises: for what must not be left half done (`check` comes after)."""
        before, self._held = self._held, True
        try:
            yield
        finally:
            self._held = before

    @contextmanager
    def blocked(self) -> Iterator[None]:
        """Hold signals while Ray starts or ends, and let the system keep those that Ray would take.

        In the middle of its start Ray's compiled code puts a handler of SIGTERM in place that prints its stack and
        aborts the program three seconds later; at its end it leaves none, and SIGTERM would end the program at once.
        Python can only put its own back once that code has returned.
        """
        with self.held():
            before = signal.pthread_sigmask(signal.SIG_BLOCK, RAYS) if RAYS else set()
            try:
                yield
            finally:
                self.install()
                if RAYS:
                    signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def raise_in_main_thread(self, error: Exception) -> None:
        """Raise an error in the main thread, called in another one; `check` raises it again."""
        self.error = error
        if hasattr(signal, "pthread_kill"):
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)  # it wakes what sleeps, too
        else:
            signal.raise_signal(signal.SIGINT)

    def check(self) -> None:
        """Raise again what was asked for, in case something in between has swallowed it.

        Raises:
            Interrupted: a signal has come.
            Exception: the error of `raise_in_main_thread`.
        """
        if self.code is not None:
            raise Interrupted(self.code)
        if self.error is not None:
            raise self.error

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if hasattr(signal, "alarm"):
            signal.alarm(0)  # Ray's handler, where another thread ran it, has set one that aborts the program
        if self.error is not None and self.code is None and not self._told:
            self._told = True
            raise self.error
        if self.code is not None:
            os._exit(128 + number)
        self.code = 128 + number
        if not self._held:
            raise Interrupted(self.code)


def unblock() -> None:
    """Let a new process have the signals that `Interrupts.blocked` keeps from the one that started it."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, RAYS)


def leave_to_main_thread() -> None:
    """Keep this thread from taking what `Interrupts.blocked` holds, which the system gives to any that lets it in."""
    if RAYS:
        signal.pthread_sigmask(signal.SIG_BLOCK, RAYS)
