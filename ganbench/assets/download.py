"""What the commands that use the network share: `python -m ganbench.datasets` and `… ganbench.extractors`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence

from ganbench.core.errors import GanbenchError, UsageError


def wanted(module: str, known: Iterable[str], arguments: Sequence[str]) -> Sequence[str]:
    """Return the names that were asked for; none where the help was, which is printed.

    Raises:
        UsageError: a name is missing, or it is none of `known`.
    """
    usage = f"python -m {module} NAME…, of {', '.join(sorted(known))}"
    if {"-h", "--help"} & set(arguments):
        print(f"usage: {usage}")
        return ()
    if not arguments or not set(arguments) <= set(known):
        raise UsageError(f"write {usage}")
    return arguments


def run(main: Callable[[Sequence[str]], None]) -> None:
    """Call a command with this process's arguments; an error is one line and an exit code."""
    try:
        main(sys.argv[1:])
    except GanbenchError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
