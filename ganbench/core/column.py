"""One column of a table: what it is called, what it means, which way is better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Direction = Literal["higher", "lower", ""]


@dataclass(frozen=True)
class Column:
    """A column's declaration; it travels inside the parquet files, so that readers need no ganbench component.

    Attributes:
        name: snake_case, unique over all tables.
        meaning: one line with the definition.
        unit: `"1"` for a pure number, otherwise `"ms"`, `"nat"`, `"modes"`, …
        direction: which way is better; empty where neither is.
        dtype: `"float64"`, `"int64"`, `"string"` or `"bool"`.
        timing: true for what belongs to the clock or the machine: the only columns that may differ between two equal
            runs.
    """

    name: str
    meaning: str
    unit: str = "1"
    direction: Direction = ""
    dtype: str = "float64"
    timing: bool = False
