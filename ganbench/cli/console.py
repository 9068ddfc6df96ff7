"""What is printed: a table with colours on a terminal, plain aligned lines everywhere else."""

from __future__ import annotations

import codecs
import io
import os
import re
import select
import sys
from collections.abc import Sequence

import click

from ganbench.core.environment import can_draw

ESCAPING = "ganbench-escaping"


def styled(text: str, **style: object) -> str:
    """Return a text with a style, where the output is a terminal and `NO_COLOR` is not set."""
    return click.style(text, **style) if _fancy() and not os.environ.get("NO_COLOR") else text  # type: ignore[arg-type]


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; rich draws it on a terminal (and keeps `NO_COLOR`), plain columns go into pipes and files.

    Nothing is cut off: texts are folded, and a terminal too narrow for the numbers gets plain columns, too.
    """
    if not (_fancy() and _drawn(headers, rows)):
        widths = [max(len(cell) for cell in column) for column in zip(headers, *rows, strict=True)]
        for row in (headers, *rows):
            click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _drawn(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Draw a table on the terminal, unless it is too narrow."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    drawn, least = Table(box=box.SIMPLE_HEAD, pad_edge=False), 0
    for head, *column in zip(headers, *rows, strict=True):
        number = all(re.fullmatch(r"[-+0-9.,e/%]*", cell) for cell in column)
        needed = max(len(cell) for cell in (head, *column)) if number else len(head)
        drawn.add_column(head, overflow="fold", no_wrap=number, min_width=needed)
        least += needed + len("   ")
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    if least <= console.width:
        console.print(drawn)
    return least <= console.width


def _fancy() -> bool:
    return can_draw(sys.stdout)


def write_any_text() -> None:
    """Have the output take every text: bytes of a name that is no UTF-8 as they are, what an encoding lacks escaped.

    Names are anybody's, and a pipe on Windows or in an old locale has an encoding that lacks arrows and Greek letters.
    """
    codecs.register_error(ESCAPING, _escaped)
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors=ESCAPING)


def _escaped(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeEncodeError:
        # In units of 16 bits, which are what JSON has.
        units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
        return "".join(f"\\u{high:02x}{low:02x}" for high, low in zip(units[::2], units[1::2], strict=True)), error.end


def nobody_reads() -> bool:
    """Say whether who read the output has gone: the other end of a pipe, or a terminal that was closed.

    Where a system cannot say, only the next writing shows it.
    """
    try:
        output = select.poll()
        output.register(sys.stdout, 0)  # what is told unasked
        return bool(output.poll(0))
    except (AttributeError, OSError, ValueError):
        return False
