"""Many lines in one picture: each stands out under the pointer and the keyboard, and is labelled where it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from ganbench.report.plot import Points, Scale, path, tick

WIDTH, LABELS = 860, 280  # of the picture, and of the place for labels at its right
LEFT, TOP = 46, 10
HEIGHT, GAP, FOOT = 250, 14, 40  # least height of the area, between labels, below the area
COLOURS = 6
DASHES = ("", "7 3", "2 3", "9 3 2 3")
LONGEST = 38  # letters of a label with its number: about 6.7 wide each


@dataclass(frozen=True)
class Series:
    """A line.

    Attributes:
        name: its label. spoken: what it is in words. end: its last value as text.
        points: its line. edges, dotted: a band and a second line that appear with it; both may be empty.
    """

    name: str
    spoken: str
    end: str
    points: Points
    edges: Points
    dotted: Points


@dataclass(frozen=True)
class Area:
    """Where values lie in the picture."""

    x: Scale
    y: Scale
    height: int
    right: int = WIDTH - LABELS

    @staticmethod
    def holding(lines: int, x: Scale, y: Scale) -> Area:
        """Return an area that is high enough for the labels of so many lines."""
        return Area(x, y, max(HEIGHT, GAP * lines + 10))

    def at(self, x: Sequence[float], values: Sequence[float]) -> Points:
        """Return places `[n, 2]`, without those that have no value."""
        across = LEFT + (self.right - LEFT) * self.x.place(x)
        places = np.stack([across, TOP + self.height * (1 - self.y.place(values))], axis=-1)
        return places[~np.isnan(places).any(axis=-1)]

    def frame(self, across: Sequence[tuple[float, str]], name: str, integer: bool, floor: float = np.nan) -> str:
        """Return the axes: labels along x with its name, a line at each tick of y, a dashed one at the floor."""
        parts = []
        for value in self.y.ticks(5, integer=integer):
            height = self.at([self.x.low], [value])[0, 1]
            parts.append(f'<path class="tick" d="M{LEFT} {height:.1f}H{self.right}"/>')
            parts.append(f'<text class="y" x="{LEFT - 6}" y="{height + 4:.1f}">{escape(tick(value))}</text>')
        base = TOP + self.height
        for value, text in across:
            x = self.at([value], [self.y.low])[0, 0]
            parts.append(f'<path class="tick" d="M{x:.1f} {base}v4"/>')
            parts.append(f'<text class="x" x="{x:.1f}" y="{base + 17}">{escape(text)}</text>')
        if self.y.low <= floor <= self.y.high:
            height = self.at([self.x.low], [floor])[0, 1]
            parts.append(f'<path class="realline" d="M{LEFT} {height:.1f}H{self.right}"/>')
        parts.append(f'<text class="x name" x="{(LEFT + self.right) / 2:g}" y="{base + 34}">{escape(name)}</text>')
        return "".join(parts)


def labelled(area: Area, frame: str, series: Sequence[Series], label: str) -> str:
    """Return the `<svg>` element: the frame, and each series with its label at the right."""
    ends = [float(one.points[-1, 1]) for one in series]
    heights = spread_out(ends, GAP, TOP + 4, TOP + area.height - 2)
    drawn = "".join(_group(area, one, i, height) for i, (one, height) in enumerate(zip(series, heights, strict=True)))
    box = f"0 0 {WIDTH} {area.height + TOP + FOOT}"
    return f'<svg class="labelled" viewBox="{box}" role="group" aria-label={quoteattr(label)}>{frame}{drawn}</svg>'


def _group(area: Area, one: Series, place: int, height: float) -> str:
    dashes = f' stroke-dasharray="{DASHES[place // COLOURS % len(DASHES)]}"' if place >= COLOURS else ""
    line, (x, y) = path(one.points), one.points[-1]
    hidden = f'<path class="band" d="{path(one.edges)}z"/>' if len(one.edges) else ""
    hidden += f'<path class="median" d="{path(one.dotted)}"/>' if len(one.dotted) else ""
    right = area.right + 8
    text = f'{escape(shortened(one.name, LONGEST - 1 - len(one.end)))} <tspan class="end">{escape(one.end)}</tspan>'
    return (
        f'<g class="method c{place % COLOURS}" tabindex="0" role="img" aria-label={quoteattr(one.spoken)}>{hidden}'
        f'<path class="hit" d="{path(_every(one.points, 8))}"/><path class="line" d="{line}"{dashes}/>'
        f'<path class="leader" d="M{x:.1f} {y:.1f}L{right + 4} {height:.1f}"/>'
        f'<text x="{right + 8}" y="{height + 4:.1f}">{text}</text></g>'
    )


def shortened(text: str, most: int) -> str:
    """Return a text of at most so many letters, without its middle where it is longer: its end tells it apart, too.

    Example:
        >>> shortened("non_saturating + spectral_norm · n_critic=5", 24)
        'non_saturatin…n_critic=5'
    """
    if len(text) <= most:
        return text
    behind = (most - 1) * 2 // 5
    return f"{text[: most - 1 - behind]}…{text[len(text) - behind :]}"


def _every(points: Points, n: int) -> Points:
    """Return every n-th place and the last one: what only the pointer feels need not be exact."""
    return points[np.unique([*range(0, len(points), n), len(points) - 1])]


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
