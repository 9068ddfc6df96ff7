"""The dot strip of a table row: a dot a seed, a line for the mean's interval, on an axis that all rows share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ganbench.report.numbers import number

WIDTH, HEIGHT, INSET, RADIUS = 150, 30, 6, 2.4


@dataclass(frozen=True)
class Scale:
    """From values to places: logarithmic for positive values over more than two powers of ten."""

    low: float
    high: float
    logarithmic: bool

    @staticmethod
    def of(values: Sequence[float], *, counts: bool, floor: float) -> Scale:
        """Return the scale that shows these values and the floor; counts start at 0."""
        known = [v for v in (*values, floor) if math.isfinite(v)] or [0.0, 1.0]
        low, high = min(known), max(known)
        if counts:
            return Scale(0.0, high or 1.0, False)
        if low > 0 and high / low > 100:
            return Scale(math.log(low), math.log(high), True)
        return Scale(low, high if high > low else low + 1.0, False)

    def share(self, value: float) -> float:
        """Return where a value lies, 0 to 1."""
        at = math.log(max(value, 1e-300)) if self.logarithmic else value
        return min(1.0, max(0.0, (at - self.low) / (self.high - self.low)))


@dataclass(frozen=True)
class Dot:
    """A seed's place."""

    x: float
    y: float
    diverged: bool


@dataclass(frozen=True)
class Strip:
    """What a row's strip shows, in its own units of `WIDTH` by `HEIGHT`.

    Attributes:
        dots: one a finished run; equal values are stacked. radius: of a dot. low, high, mean: of the interval.
        text: the alternative.
    """

    dots: tuple[Dot, ...]
    radius: float
    low: float | None
    high: float | None
    mean: float | None
    text: str


def strip(values: Sequence[float], fill: float, mean: float, low: float, high: float, scale: Scale) -> Strip:
    """Return the strip of a trial's finished runs; those without a value stand at `fill`, as they are counted."""
    place = lambda v: round(INSET + scale.share(v) * (WIDTH - 2 * INSET), 1)  # noqa: E731
    shown = [(fill if math.isnan(v) else v, math.isnan(v)) for v in values]
    columns: dict[float, list[bool]] = {}
    for value, diverged in sorted(s for s in shown if not math.isnan(s[0])):
        columns.setdefault(place(value), []).append(diverged)
    tallest = max(map(len, columns.values()), default=1)
    gap = min(2.2 * RADIUS, (HEIGHT - 2 * RADIUS) / max(tallest - 1, 1))
    dots = [
        Dot(x, round(HEIGHT / 2 + (i - (len(stack) - 1) / 2) * gap, 1), diverged)
        for x, stack in columns.items()
        for i, diverged in enumerate(stack)
    ]
    said = ", ".join("diverged" if math.isnan(v) else number(v) for v in values)
    ends = [None if math.isnan(v) else place(v) for v in (low, high, mean)]
    return Strip(tuple(dots), round(min(RADIUS, 0.46 * gap), 2), ends[0], ends[1], ends[2], f"seeds: {said}")
