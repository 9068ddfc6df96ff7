"""Errors a user can mend: each one names the place, the problem and the remedy, in one line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class GanbenchError(Exception):
    """An error with a place, a problem and a remedy; `exit_code` is what the command line returns for it."""

    exit_code = 5


class UsageError(GanbenchError):
    """The command line, the suite or a component's parameters are wrong: nothing was started."""

    exit_code = 2


class IncomparableError(GanbenchError):
    """There is no baseline, or the two sides cannot be compared."""

    exit_code = 3


class UnknownComponentError(UsageError):
    """A name that no component has, with the nearest one and all that are known."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        super().__init__(unknown(kind, name, known))
        self.kind, self.name = kind, name


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Return "unknown loss 'wgann', did you mean 'wgan'? (known: …)"."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    hint = f", did you mean {near[0]!r}?" if near else ""
    return f"unknown {what} {name!r}{hint} (known: {', '.join(names) or 'none'})"


def reason(error: Exception) -> str:
    """Return an exception's text in one line; its type where it has no text."""
    return " ".join(str(error).split()) or type(error).__name__
