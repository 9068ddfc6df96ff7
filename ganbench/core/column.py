"""One column of a table: what it is called, what it means, which way is better."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Direction = Literal["higher", "lower", ""]
Scale = Literal["linear", "log"]


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
        title: what a heading or a plot calls it; empty for its name.
        scale: of the axis that it is drawn on.
        curve: true for what deserves a plot of its own against the step.
        varied: true for a number of a run's setting.
        leading: its place among the metrics that decide a ranking, 1 for the first; 0 for all others.
        low, high: the least and the greatest value that it can have, where there is one. A metric with both can be
            shown to have lost less than a margin (`ganbench.analysis.loss_bound`).
    """

    name: str
    meaning: str
    unit: str = "1"
    direction: Direction = ""
    dtype: str = "float64"
    timing: bool = False
    title: str = ""
    scale: Scale = "linear"
    curve: bool = False
    leading: int = 0
    low: float = -math.inf
    high: float = math.inf
    varied: bool = False
