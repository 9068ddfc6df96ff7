"""Small plots written as SVG: scales with their ticks, axes that several plots share, and lines and areas on them.

The elements obey the page's security policy and its style sheet: no style attributes, no ids, colours as variables that
have a value in light, in dark and on paper, and text in the reader's own font. The same data give the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import ArrayLike, NDArray

Points: TypeAlias = NDArray[np.float64]  # [n, 2], x to the right and y down, in units of the view box
Kind = Literal["linear", "log", "symlog"]

GENERATOR, DISCRIMINATOR, METRIC, MUTED, RULE, BAD = "generator", "discriminator", "metric", "muted", "rule", "bad"
WIDTH, HEIGHT = 208.8, 104.4
LEFT, RIGHT, TOP, BOTTOM = 28.2, 203.6, 5.7, 88.2  # of the area that values are drawn in
MOST_TICKS = {"x": 3, "y": 5}
LARGEST = 1e150  # that a scale may reach: spans and ratios of two of these are floats; what lies beyond is at its end
STEPS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)
SYMLOG_LINEAR = 2 / 3  # decades that the linear part of a symlog scale, 0 to 1, is as wide as


@dataclass(frozen=True)
class Scale:
    """From values to places between 0 and 1.

    Attributes:
        low, high: the values at 0 and at 1; what lies beyond is placed at the edge.
        kind: `linear`, `log`, or `symlog`: linear between −1 and 1 and logarithmic on both sides of that.
    """

    low: float
    high: float
    kind: Kind = "linear"

    @staticmethod
    def spanning(values: Sequence[float], *, counts: bool = False) -> Scale:
        """Return the scale from the least to the greatest value: log for positive values over two powers of ten.

        Counts start at 0. Values that are not finite are left out.
        """
        known = [min(max(v, -LARGEST), LARGEST) for v in values if math.isfinite(v)] or [0.0, 1.0]
        low, high = min(known), max(known)
        if counts:
            return Scale(0.0, high or 1.0)
        if low > 0 and high / low > 100:
            return Scale(low, high, "log")
        return Scale(low, high if high > low else low + _unit(low))

    @staticmethod
    def holding(values: Points, floor: float, kind: Literal["linear", "log"]) -> Scale | None:
        """Return the scale that holds 99 % of the values, and the floor, with a margin; None without a finite value.

        A log scale of values of both signs is a symlog one.
        """
        x = np.clip(values[np.isfinite(values)], -LARGEST, LARGEST)
        if kind == "log" and len(x) and np.quantile(x, 0.005) < 0:
            low, high = np.quantile(x, (0.005, 0.995))
            reach = 1.1 * max(abs(float(low)), abs(float(high)), 1.0)
            return Scale(-reach, reach, "symlog")
        x = np.maximum(x[x > 0], 1 / LARGEST) if kind == "log" else x
        if not len(x):
            return None
        low, high = (float(q) for q in np.quantile(x, (0.005, 0.995)))
        if abs(floor) <= LARGEST and (floor >= 1 / LARGEST or kind != "log"):
            low, high = min(low, floor), max(high, floor)
        if kind == "log":
            ratio = max(high / low, 10.0) ** 0.06
            return Scale(low / ratio, max(high, low * 10) * ratio, "log")
        pad = 0.05 * (high - low) if high > low else 0.05 * _unit(low)
        return Scale(low - pad, high + pad)

    def place(self, values: ArrayLike) -> Points:
        """Return the places of values, 0 to 1, in their shape; NaN stays NaN."""
        low, high = self._project(self.low), self._project(self.high)
        return np.clip((self._project(values) - low) / (high - low), 0.0, 1.0)

    def _project(self, values: ArrayLike) -> Points:
        x = np.asarray(values, dtype=np.float64)
        if self.kind == "linear":
            return x
        if self.kind == "log":
            return np.log10(np.maximum(x, 1e-300))
        size = np.abs(x)
        return np.sign(x) * np.where(size > 1, SYMLOG_LINEAR + np.log10(np.maximum(size, 1)), SYMLOG_LINEAR * size)

    def ticks(self, most: int, integer: bool = False) -> list[float]:
        """Return up to `most` round values of a linear scale, powers of ten of a log one."""
        if self.kind == "symlog":
            top = 10.0 ** math.floor(math.log10(self.high))
            return [-top, 0.0, top]
        if self.kind == "log":
            return self._decades()
        exponent = math.floor(math.log10((self.high - self.low) / most))
        for step in (m * 10.0**e for e in range(exponent, exponent + 3) for m in STEPS):
            first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
            if last - first < most and not (integer and step % 1):
                return [i * step for i in range(first, last + 1)]
        return []

    def _decades(self) -> list[float]:
        first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
        if last - first < 1:  # one power of ten alone gives no sense of the scale
            values = (m * 10.0**e for e in range(first - 1, last + 1) for m in (1, 3))
            return [v for v in values if self.low <= v <= self.high]
        stride = math.ceil((last - first + 1) / 3)
        return [10.0**e for e in range(first, last + 1) if e % stride == 0]


def _unit(value: float) -> float:
    """Return how far a scale around one value alone reaches: 1, which is nothing beside the largest floats."""
    return 1.0 if 0.05 > np.spacing(abs(value)) else abs(value)


@dataclass(frozen=True)
class Axes:
    """The axes of a plot, which several plots may share.

    Attributes:
        x, y: their scales. floor: a value that gets a dashed line, NaN for none.
        ends: what stands at the ends of the x axis instead of its ticks.
    """

    x: Scale
    y: Scale
    floor: float = math.nan
    ends: tuple[str, str] | None = None

    def points(self, x: ArrayLike, y: ArrayLike) -> Points:
        """Return places on the plot `[n, 2]`, without those that have no value."""
        places = np.stack((LEFT + (RIGHT - LEFT) * self.x.place(x), BOTTOM - (BOTTOM - TOP) * self.y.place(y)), axis=-1)
        return places[~np.isnan(places).any(axis=-1)]

    @cached_property
    def frame(self) -> str:
        """The axes as SVG: labels, a line across at each tick, the base, and the floor."""
        y_ticks = self.y.ticks(MOST_TICKS["y"], integer=self.y.high - self.y.low > 1.5)
        heights = self.points(np.full(len(y_ticks), self.x.low), y_ticks)[:, 1] if y_ticks else ()
        labels = [_text(LEFT - 5.5, y + 3, tick(value)) for value, y in zip(y_ticks, heights, strict=True)]
        parts = [self._bottom(), f'<g fill="var(--{MUTED})" text-anchor="end">{"".join(labels)}</g>']
        parts.append(line([_across(y) for y in heights], RULE, 0.7))
        parts.append(line([_across(BOTTOM)], RULE, 0.8))
        if self.y.low <= self.floor <= self.y.high:
            height = self.points([self.x.low], [self.floor])[0, 1]
            parts.append(line([_across(height)], MUTED, 0.8, dashes="2.4 1.6"))
        return "".join(parts)

    def _bottom(self) -> str:
        base = BOTTOM + 11.6
        if self.ends is not None:
            first, last = (_text(x, base, text) for x, text in zip((LEFT, RIGHT), self.ends, strict=True))
            return f'<g fill="var(--{MUTED})">{first}<g text-anchor="end">{last}</g></g>'
        ticks = self.x.ticks(MOST_TICKS["x"], integer=True)
        places = LEFT + (RIGHT - LEFT) * self.x.place(ticks)
        labels = [_text(x, base, tick(value)) for value, x in zip(ticks, places, strict=True)]
        return f'<g fill="var(--{MUTED})" text-anchor="middle">{"".join(labels)}</g>'


def tick(value: float) -> str:
    """Return a short label: 4k, 0.01, 1e−5."""
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1e6 or size < 1e-3:
        mantissa, exponent = f"{value:.0e}".split("e")
        return f"{mantissa}e{int(exponent)}".replace("-", "−")
    text = f"{value / 1e3:g}k" if size >= 1e3 else f"{value:g}"
    return text.replace("-", "−")


def drawing(parts: Iterable[str], alternative: str) -> str:
    """Return the `<svg>` element of a plot, with a text alternative."""
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" fill="none" role="img" aria-label={quoteattr(alternative)}>'
        f"{''.join(parts)}</svg>"
    )


def line(lines: Iterable[Points], colour: str, width: float, opacity: float = 1.0, dashes: str = "") -> str:
    """Return lines as one path, which is a third of their size one by one; empty without a point."""
    d = "".join(path(points) for points in lines if len(points))
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    faint = f' stroke-opacity="{opacity:g}"' if opacity < 1 else ""
    return f'<path d="{d}" stroke="var(--{colour})" stroke-width="{width:g}"{faint}{dashed}/>' if d else ""


def area(low: Points, high: Points, colour: str, opacity: float) -> str:
    """Return what lies between two lines, filled."""
    return f'<path d="{path(np.concatenate((low, high[::-1])))}" fill="var(--{colour})" fill-opacity="{opacity:g}"/>'


def _across(y: float) -> Points:
    return np.array([[LEFT, y], [RIGHT, y]])


def _text(x: float, y: float, text: str) -> str:
    return f'<text x="{_tenths(round(10 * x))}" y="{_tenths(round(10 * y))}">{escape(text)}</text>'


def path(points: Points) -> str:
    """Return a line in relative steps of a tenth of a unit, which is half as long as absolute places.

    Points within a level stretch are left out, which a curve of counts is half made of.
    """
    places = np.rint(10 * points).astype(int)
    level = np.diff(places[:, 1]) == 0
    kept = np.ones(len(places), dtype=bool)
    kept[1:-1] = ~(level[:-1] & level[1:])
    steps = np.diff(places[kept], axis=0)
    pairs = [(_tenths(x), _tenths(y)) for x, y in steps[steps.any(axis=1)].tolist()]
    text = "".join(f" {x}{_after(y)}" if x[0] != "-" else f"{x}{_after(y)}" for x, y in pairs)
    x, y = (_tenths(n) for n in places[0].tolist())
    return f"M{x}{_after(y)}" + ("l" + text.removeprefix(" ") if text else "")


def _after(number: str) -> str:
    return number if number[0] == "-" else f" {number}"


def _tenths(n: int) -> str:
    sign, n = ("-", -n) if n < 0 else ("", n)
    whole, rest = divmod(n, 10)
    return f"{sign}{whole or ('' if rest else 0)}" + (f".{rest}" if rest else "")
