"""Text from tables as GitHub's Markdown shows it: as text, whatever it says."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence


def one_line(text: str, length: int = 200) -> str:
    """Return a text without control characters and line breaks, cut to a length."""
    line = "".join(c if c.isprintable() else " " for c in " ".join(text.split()))
    return line if len(line) <= length else f"{line[: length - 1]}…"


def escaped(text: str) -> str:
    """Return one line in which nothing is markup, a mention or an issue number."""
    return re.sub(r"([\\`*_{}\[\]|~#@])", r"\\\1", html.escape(one_line(text), quote=False))


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[bool] = ()) -> list[str]:
    """Return the lines of a table of texts that are escaped already; `right` says which columns are numbers."""
    rules = ["--:" if number else "---" for number in right or [False] * len(heads)]
    return [_row(heads), f"|{'|'.join(rules)}|", *map(_row, rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
