"""What the two commands that download share: `python -m ganbench.datasets` and `python -m ganbench.extractors`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence

from ganbench.core.errors import GanbenchError, UsageError


def requested_names(module: str, known: Iterable[str], arguments: Sequence[str]) -> Sequence[str]:
    """Return the names on the command line; with `--help`, print the usage and return none.

    Raises:
        UsageError: no name is given, or one is not in `known`.
    """
    usage = f"python -m {module} NAME…, of {', '.join(sorted(known))}"
    if {"-h", "--help"} & set(arguments):
        print(f"usage: {usage}")
        return ()
    if not arguments or not set(arguments) <= set(known):
        raise UsageError(f"write {usage}")
    return arguments


def run(main: Callable[[Sequence[str]], None]) -> None:
    """Call a command with this process's arguments; print an error as one line and exit with its code."""
    try:
        main(sys.argv[1:])
    except GanbenchError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
