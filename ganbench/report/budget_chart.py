"""Budget curves of all methods in one picture: what the best of k settings reaches, labelled where the lines end."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import pandas as pd

from ganbench.core.column import Column
from ganbench.report.plot import Points, Scale, tick
from ganbench.report.wording import name_of, number

WIDTH, LABELS = 860, 250  # of the picture, and of the place for labels at its right
LEFT, TOP = 46, 10
HEIGHT, GAP, FOOT = 250, 14, 40  # least height of the area, between labels, below the area
LOG_FROM = 16  # settings
COLOURS = 6
DASHES = ("", "7 3", "2 3", "9 3 2 3")


def budget_chart(budgets: pd.DataFrame, lead: Column, names: Mapping[str, str]) -> str:
    """Return the `<svg>` of one data set; empty with fewer than two settings.

    A line is the expected best of k settings. The one that the pointer or the keyboard is on stands out, with its
    median best (dotted) and the 95 % interval of that; an end that so few settings do not set is left open.

    Args:
        budgets: its rows of `ganbench.analysis.budget`.
        lead: the measure.
        names: method → how it is called, in the order of the ranking.
    """
    curves = {str(name): part for name, part in budgets.groupby("method", sort=False) if str(name) in names}
    largest = max((len(part) for part in curves.values()), default=0)  # k = 1, 2, …
    finite = [v for part in curves.values() for v in part["value"] if math.isfinite(v)]
    if largest < 2 or not finite:
        return ""
    ordered = [name for name in names if name in curves]
    height = max(HEIGHT, GAP * len(ordered) + 10)
    x = Scale(1.0, float(largest), "log" if largest > LOG_FROM else "linear")
    y = _padded(Scale.spanning(finite, counts=lead.unit == "modes"))
    area = _Area(x, y, height)
    ends = [area.at([largest], [_last(curves[name])])[0, 1] for name in ordered]
    heights = spread_out(ends, GAP, TOP + 4, TOP + height - 2)
    lines = [
        _method(area, curves[name], names[name], place, heights[place], lead) for place, name in enumerate(ordered)
    ]
    label = quoteattr(f"{name_of(lead)} that the best of k settings is expected to reach, k from 1 to {largest}")
    box = f"0 0 {WIDTH} {height + TOP + FOOT}"
    return (
        f'<svg class="budget" viewBox="{box}" role="group" aria-label={label}>{area.frame(lead)}{"".join(lines)}</svg>'
    )


class _Area:
    """Where values lie in the picture."""

    def __init__(self, x: Scale, y: Scale, height: int) -> None:
        self.x, self.y, self.height, self.right = x, y, height, WIDTH - LABELS

    def at(self, k: Sequence[float], values: Sequence[float]) -> Points:
        """Return places `[n, 2]`."""
        across = LEFT + (self.right - LEFT) * self.x.place(k)
        return np.stack([across, TOP + self.height * (1 - self.y.place(values))], axis=-1)

    def frame(self, lead: Column) -> str:
        """Return the axes with their names."""
        parts = []
        for value in self.y.ticks(5, integer=lead.unit == "modes"):
            height = self.at([1], [value])[0, 1]
            parts.append(f'<path class="tick" d="M{LEFT} {height:.1f}H{self.right}"/>')
            parts.append(f'<text class="y" x="{LEFT - 6}" y="{height + 4:.1f}">{escape(tick(value))}</text>')
        base = TOP + self.height
        for k in _budgets(int(self.x.high), self.x.kind == "log"):
            across = self.at([k], [self.y.low])[0, 0]
            parts.append(f'<path class="tick" d="M{across:.1f} {base}v4"/>')
            parts.append(f'<text class="x" x="{across:.1f}" y="{base + 17}">{k}</text>')
        middle = (LEFT + self.right) / 2
        parts.append(f'<text class="x name" x="{middle:g}" y="{base + 34}">settings tried, k</text>')
        return "".join(parts)


def _method(area: _Area, curve: pd.DataFrame, name: str, place: int, height: float, lead: Column) -> str:
    """Return a method's line, band, median and label, as one group that can be focused."""
    k = curve["k"].tolist()
    points = area.at(k, curve["value"].tolist())
    end, line = points[-1], _path(points)
    dashes = f' stroke-dasharray="{DASHES[place // COLOURS % len(DASHES)]}"' if place >= COLOURS else ""
    first, last = number(float(curve["value"].iloc[0])), number(_last(curve))
    label = quoteattr(f"{name}: best of 1 {first}, best of {k[-1]} {last} {name_of(lead)}")
    low, high = curve["low"].to_numpy(float), curve["high"].to_numpy(float)
    low = np.where(np.isnan(low), area.y.low, low)
    high = np.where(np.isnan(high), area.y.high, high)
    band = np.concatenate([area.at(k, low.tolist()), area.at(k, high.tolist())[::-1]])
    median = _path(area.at(k, curve["median"].tolist()))
    x = area.right + 8
    leader = f"M{end[0]:.1f} {end[1]:.1f}L{x + 4} {height:.1f}"
    return (
        f'<g class="method c{place % COLOURS}" tabindex="0" role="img" aria-label={label}>'
        f'<path class="band" d="{_path(band)}z"/><path class="median" d="{median}"/>'
        f'<path class="hit" d="{line}"/><path class="line" d="{line}"{dashes}/>'
        f'<path class="leader" d="{leader}"/><text x="{x + 8}" y="{height + 4:.1f}">'
        f'{escape(_short(name))} <tspan class="end">{escape(last)}</tspan></text></g>'
    )


def spread_out(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Return places near the wanted ones, at least `gap` apart and in their order, within [low, high] where that fits.

    Example:
        >>> spread_out([5.0, 5.0, 50.0], gap=10, low=0, high=100)
        [5.0, 15.0, 50.0]
    """
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    placed: list[float] = []
    for i in order:
        placed.append(max(wanted[i], low, placed[-1] + gap if placed else low))
    limit = high
    for rank in reversed(range(len(placed))):
        placed[rank] = max(min(placed[rank], limit), low + rank * gap)
        limit = placed[rank] - gap
    result = [0.0] * len(wanted)
    for i, place in zip(order, placed, strict=True):
        result[i] = place
    return result


def _padded(scale: Scale) -> Scale:
    if scale.kind == "log":
        return scale
    pad = 0.03 * (scale.high - scale.low)
    return Scale(scale.low - (pad if scale.low else 0.0), scale.high + pad)


def _budgets(largest: int, log: bool) -> list[int]:
    """Return the labelled budgets: powers of two on a log axis, else up to nine whole numbers."""
    if log:
        return [k for k in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024) if k <= largest]
    stride = math.ceil((largest - 1) / 8) or 1
    return list(range(1, largest + 1, stride))


def _last(curve: pd.DataFrame) -> float:
    return float(curve["value"].iloc[-1])


def _short(name: str) -> str:
    return name if len(name) <= 40 else name[:39] + "…"


def _path(points: Points) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points.tolist())
