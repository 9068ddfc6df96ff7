"""Exit codes, and errors a user can fix: each one names the place, the problem and the remedy, in one line."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

OK, REGRESSION, USAGE, INCOMPARABLE, INCOMPLETE, INTERNAL = range(6)
# 128 and the number of SIGHUP, SIGINT, SIGPIPE, SIGTERM
HUNG_UP, INTERRUPTED, BROKEN_PIPE, TERMINATED = 129, 130, 141, 143
INTERRUPTIONS = (HUNG_UP, INTERRUPTED, TERMINATED)


class Interrupted(KeyboardInterrupt):
    """A signal asked to stop; not an `Exception`, so that no trial takes it for its own error."""

    def __init__(self, exit_code: int = INTERRUPTED, words: str = "") -> None:
        super().__init__(words or exit_code)
        self.exit_code = exit_code


class GanbenchError(Exception):
    """An error with a place, a problem and a remedy; `exit_code` is what the command line returns for it."""

    exit_code = INTERNAL


class UsageError(GanbenchError):
    """The command line, the suite or a component's parameters are wrong: nothing was started."""

    exit_code = USAGE


class SeveralErrors(UsageError):
    """Several mistakes of one file; `lines` has a line for each."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class IncomparableError(GanbenchError):
    """There is no baseline, or the two sides cannot be compared."""

    exit_code = INCOMPARABLE


class IncompleteError(GanbenchError):
    """Trials that the answer needs have no results."""

    exit_code = INCOMPLETE


class ComponentError(UsageError):
    """A component raised something of its own, which is this error's cause."""


class UnknownComponentError(UsageError):
    """A name that no component has, with the nearest one and all that are known."""

    def __init__(self, kind: str, name: str, known: Iterable[str], aliases: Mapping[str, str] | None = None) -> None:
        super().__init__(unknown(kind, name, known, aliases))
        self.kind, self.name = kind, name


def unknown(what: str, name: str, known: Iterable[str], aliases: Mapping[str, str] | None = None) -> str:
    """Return "unknown loss 'wgann', did you mean 'wasserstein' (wgan)? (known: …)".

    Args:
        what: a noun.
        name: what was written.
        known: the names that there are.
        aliases: other name → the known one that it stands for.
    """
    import difflib  # here alone, because `ganbench --help` needs none

    names, aliases = sorted(known), aliases or {}
    # Two swapped letters make a short word look like little of the other; long words must be nearer than that.
    written = name.lower().replace("-", "_").replace(" ", "_")
    near = difflib.get_close_matches(written, [*names, *aliases], n=1, cutoff=0.6 if len(written) < 6 else 0.75)
    hint = ""
    if near:
        hint = f", did you mean {aliases.get(near[0], near[0])!r}{f' ({near[0]})' if near[0] in aliases else ''}?"
    shortened = name if len(name) <= 60 else f"{name[:59]}…"
    return f"unknown {what} {shortened!r}{hint} (known: {', '.join(names) or 'none'})"


def reason(error: BaseException) -> str:
    """Return an exception's text in one line that can be written; its type where it has no text."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - it may be of anybody's class
        text = ""
    return " ".join(text.encode("utf-8", "backslashreplace").decode().split()) or type(error).__name__


def described(error: BaseException) -> str:
    """Return `ValueError: text`, in one line of at most 400 characters."""
    kind, text = type(error).__name__, reason(error)
    return (text if text == kind else f"{kind}: {text}")[:400]


def is_interrupt(error: BaseException) -> bool:
    """Say whether an exception is the user's ^C, and none that a component raised by itself.

    While signals are caught (`ganbench.sweep.signals`) they are `Interrupted`, and nothing else is.
    """
    plain = isinstance(error, KeyboardInterrupt) and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    return plain or isinstance(error, Interrupted)


@contextmanager
def component_errors(place: str, *but: type[Exception]) -> Iterator[None]:
    """Turn whatever a component raises in the body into one line that names it.

    Args:
        place: names the component.
        *but: errors that it may raise, which stay as they are.

    Raises:
        ComponentError: it raised something else, and no error of ganbench's.
    """
    try:
        yield
    except BaseException as error:
        if isinstance(error, (GanbenchError, *but)) or is_interrupt(error):
            raise
        raise ComponentError(f"{place}: raised {described(error)}; correct the component") from error
