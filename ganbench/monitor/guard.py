"""Keeps whatever fails inside a monitor from the training around it."""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from ganbench.core.errors import GanbenchError, UsageError

log = logging.getLogger("ganbench.monitor")

IN_A_ROW = 3  # failures of one place, without a success between them, after which it is left out

REMEDIES = {
    "OutOfMemoryError": "give a smaller samples=, or a larger evaluate_every=",
    "MemoryError": "give a smaller samples=, or a larger evaluate_every=",
    "LinAlgError": "look at the samples and at features=: they may be constant, or not finite",
    "OSError": "look at the disk and at the folder's permissions",
    "StoreError": "look at the disk and at the folder's permissions",
    "UsageError": "give what is missing, or leave out the metric or diagnostic that reads it",
}
OTHERWISE = "nothing is to be done for the training; logging at level DEBUG shows the traceback"


class Hopeless(UsageError):
    """What fails whenever it is tried again.

    Args:
        text: what is wrong. remedy: what a user can do about it.
    """

    def __init__(self, text: str, remedy: str) -> None:
        super().__init__(text)
        self.remedy = remedy


P = ParamSpec("P")
T = TypeVar("T")


class Guard:
    """Calls what must not end a training, and logs what fails there once: place, error, remedy.

    What fails is tried again the next time, unless that is hopeless; a place that fails three times in a row is left
    out from then on, with a second line.
    """

    def __init__(self) -> None:
        self.step = 0  # for the messages
        self._failures: dict[str, int] = {}
        self._reported: set[str] = set()

    def run(self, place: str, act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Return what a call returns; None where it fails, or where its place is left out."""
        if self._failures and self.is_out(place):
            return None
        try:
            value = act(*args, **kwargs)
        except Hopeless as error:
            self.leave_out(place, error)
            return None
        except Exception as error:
            self.report(place, error)
            return None
        self.passed(place)
        return value

    def passed(self, place: str) -> None:
        """Take in that a place has not failed this time."""
        if self._failures:
            self._failures.pop(place, None)

    def is_out(self, place: str) -> bool:
        """Return whether a place is left out."""
        return self._failures.get(place, 0) >= IN_A_ROW

    def leave_out(self, place: str, error: Exception) -> None:
        """Leave a place out at once: trying again is of no use."""
        self._failures[place] = IN_A_ROW
        self._say("%s is left out (%s); training goes on; remedy: %s", place, _short(error), remedy_of(error))

    def report(self, place: str, error: Exception) -> None:
        """Count a failure, and log the first of its place and the one that ends it."""
        self._failures[place] = self._failures.get(place, 0) + 1
        if place not in self._reported:
            self._reported.add(place)
            text = "step %d: %s failed (%s); training goes on, and it is tried again; remedy: %s"
            self._say(text, self.step, place, _short(error), remedy_of(error))
            with contextlib.suppress(Exception):
                log.debug("%s", place, exc_info=error)
        elif self._failures[place] == IN_A_ROW:
            self._say("step %d: %s failed %d times in a row and is left out", self.step, place, IN_A_ROW)

    def _say(self, text: str, *values: object) -> None:
        with contextlib.suppress(Exception):  # a handler of somebody else's may raise
            log.warning(f"ganbench.Monitor: {text}", *values)


class Guarded(Protocol):
    """What has a guard."""

    guard: Guard


S = TypeVar("S", bound=Guarded)


def guarded(place: str) -> Callable[[Callable[Concatenate[S, P], T]], Callable[Concatenate[S, P], T | None]]:
    """Have a method called by its object's guard."""

    def protect(method: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T | None]:
        @functools.wraps(method)
        def safe(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T | None:
            return self.guard.run(place, method, self, *args, **kwargs)

        return safe

    return protect


def remedy_of(error: Exception) -> str:
    """Return what a user can do about an error."""
    if isinstance(error, Hopeless):
        return error.remedy
    names = [kind.__name__ for kind in type(error).__mro__]
    return next((REMEDIES[name] for name in names if name in REMEDIES), OTHERWISE)


def _short(error: Exception) -> str:
    """Return the first line of an error's text, behind its kind; the kinds of this package say nothing to a reader."""
    lines = str(error).strip().splitlines()
    if lines and isinstance(error, GanbenchError):
        return lines[0][:200]
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
