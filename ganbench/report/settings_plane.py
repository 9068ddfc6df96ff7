"""The plane of two numbers of the settings, as every map of a data set draws it: axes, cells and places."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from xml.sax.saxutils import escape

import numpy as np
import pandas as pd

from ganbench.analysis.sensitivity import NumberAxis, fitted
from ganbench.analysis.settings import MethodRuns, Varied
from ganbench.core.column import Column
from ganbench.report.plot import Points, Scale, tick

WIDTH, HEIGHT = 260, 216
LEFT, RIGHT, TOP, BOTTOM = 44, 254, 6, 178
MARGIN = 0.05  # of a range's length, around its ends
MOST_LABELS = 5
APART = 11  # units between the marks of settings that share a place


@dataclass(frozen=True)
class Plane:
    """Two numbers, or one, and where each setting lies.

    Attributes:
        axes: the numbers, x first. shares: how much of the variance each explains; empty where no forest says.
        explained: the forest's R² on settings that it did not see. places: setting → its place, x and y in [0, 1].
    """

    axes: tuple[NumberAxis, ...]
    shares: tuple[float, ...]
    explained: float
    places: Mapping[int, tuple[float, float]]

    @property
    def names(self) -> tuple[str, ...]:
        """Return the addresses."""
        return tuple(axis.address for axis in self.axes)

    @cached_property
    def cells(self) -> dict[tuple[float, float], str]:
        """Return place → the outline of all that is nearer to it than to another, as a path."""
        distinct = sorted(set(self.places.values()))
        return {place: _outline(polygon) for place, polygon in zip(distinct, nearest_cells(distinct), strict=True)}

    @cached_property
    def marks(self) -> dict[int, tuple[float, float]]:
        """Return setting → where its mark stands; those that share a place stand beside each other."""
        by_place: dict[tuple[float, float], list[int]] = {}
        for setting, place in self.places.items():
            by_place.setdefault(place, []).append(setting)
        return {
            setting: (round(x + APART * (i - (len(same) - 1) / 2), 1), round(y, 1))
            for place, same in by_place.items()
            for (x, y) in [_on_paper(np.array(place)).tolist()]
            for i, setting in enumerate(same)
        }

    def shared(self, place: tuple[float, float]) -> bool:
        """Return whether several settings lie at a place."""
        return self._settings_at[place] > 1

    @cached_property
    def _settings_at(self) -> Counter[tuple[float, float]]:
        return Counter(self.places.values())

    @cached_property
    def frame(self) -> str:
        """Return ticks, labels and names as SVG."""
        parts: list[str] = []
        across, *rest = self.axes
        for text, at in _ticks(across):
            x = _on_paper(np.array([at, 0.0]))[0]
            parts.append(f'<path class="tick" d="M{x:.1f} {BOTTOM}v4"/>')
            parts.append(f'<text class="x" x="{x:.1f}" y="{BOTTOM + 15}">{escape(text)}</text>')
        middle = (LEFT + RIGHT) / 2
        parts.append(f'<text class="x name" x="{middle:g}" y="{BOTTOM + 32}">{escape(across.address)}</text>')
        for up in rest:
            place = f"translate(10 {(TOP + BOTTOM) / 2:g}) rotate(-90)"
            parts.append(f'<text class="x name" transform="{place}">{escape(up.address)}</text>')
        for text, at in (label for up in rest for label in _ticks(up)):
            y = _on_paper(np.array([0.0, at]))[1]
            parts.append(f'<path class="tick" d="M{LEFT} {y:.1f}h-4"/>')
            parts.append(f'<text class="y" x="{LEFT - 7}" y="{y + 3.5:.1f}">{escape(text)}</text>')
        return "".join(parts)


def plane_of(swept: Varied, dataset: str, columns: Mapping[str, Column]) -> Plane | None:
    """Return the plane of the two numbers that matter most on a data set, over the mean of its methods.

    All methods are drawn in the same plane, so that maps can be laid over each other. With fewer settings than a
    forest needs, the two are the first in the suite. None where no number of all methods varies.
    """
    methods = list(swept.on(dataset))
    only = Varied(methods, {dataset: swept.measures[dataset]})
    forest = next(iter(fitted(only, columns)), None)
    if forest is not None:
        shares = [forest.forest.share((i,)) for i in range(len(forest.axes))]
        order = sorted(range(len(shares)), key=lambda i: -shares[i])[:2]
        order.sort()  # as the suite has them: a map of two rates does not turn because of a hundredth
        axes, explained = [forest.axes[i] for i in order], forest.forest.explained
        chosen = [shares[i] for i in order]
    else:
        axes, chosen, explained = _first_axes(methods, columns), [], math.nan
    return Plane(tuple(axes), tuple(chosen), explained, _places(methods, axes)) if axes else None


def _places(methods: Sequence[MethodRuns], axes: Sequence[NumberAxis]) -> dict[int, tuple[float, float]]:
    numbers = pd.concat([method.numbers for method in methods])
    known = pd.DataFrame(numbers[~numbers.index.duplicated()])
    for axis in axes:
        known = known.loc[known[axis.address].notna()]
    units = [_within(axis, axis.unit(pd.Series(known[axis.address]))) for axis in axes]
    units += [np.full(len(known), 0.5)] * (2 - len(axes))
    return {
        int(str(setting)): (round(float(x), 4), round(float(y), 4))
        for setting, x, y in zip(known.index, *units, strict=True)
    }


def _first_axes(methods: Sequence[MethodRuns], columns: Mapping[str, Column]) -> list[NumberAxis]:
    common = [a for a in methods[0].numbers if all(a in m.numbers for m in methods)] if methods else []
    axes = [NumberAxis.of(pd.Series(methods[0].numbers[a]).dropna(), columns[str(a)]) for a in common]
    return [axis for axis in axes if axis is not None][:2]


def _within(axis: NumberAxis, unit: np.ndarray) -> np.ndarray:
    """Leave room around the ends of a range; levels are in the middle of their cells."""
    return unit if axis.levels else MARGIN + (1 - 2 * MARGIN) * unit


def nearest_cells(places: Sequence[tuple[float, float]]) -> list[Points]:
    """Return for each of these distinct places in the unit square the polygon of all that is nearest to it.

    Mirror images of the places at the four sides make the cells end there.

    Example:
        >>> [cell.min(axis=0).tolist() for cell in nearest_cells([(0.25, 0.5), (0.75, 0.5)])]
        [[0.0, 0.0], [0.5, 0.0]]
    """
    from scipy.spatial import Voronoi

    at = np.asarray(places, dtype=np.float64)
    mirrored = [np.where(np.arange(2) == axis, 2 * side - at, at) for axis in (0, 1) for side in (0.0, 1.0)]
    diagram = Voronoi(np.concatenate([at, *mirrored]))
    regions = [diagram.regions[diagram.point_region[i]] for i in range(len(at))]
    return [np.clip(_in_circle(diagram.vertices[region], at[i]), 0.0, 1.0) for i, region in enumerate(regions)]


def _in_circle(corners: Points, centre: Points) -> Points:
    """Return the corners of a convex cell in the order of their angles."""
    return corners[np.argsort(np.arctan2(*(corners - centre).T[::-1]))]


def _on_paper(unit: Points) -> Points:
    return np.stack([LEFT + (RIGHT - LEFT) * unit[..., 0], BOTTOM - (BOTTOM - TOP) * unit[..., 1]], axis=-1)


def _outline(polygon: Points) -> str:
    corners = [f"{x:.1f} {y:.1f}" for x, y in _on_paper(polygon).tolist()]
    kept = [corner for corner, group in itertools.groupby(corners)]
    return "M" + "L".join(kept) + "z"


def _ticks(axis: NumberAxis) -> list[tuple[str, float]]:
    """Return labels with their places in [0, 1]."""
    if axis.levels:
        n = len(axis.levels)
        stride = math.ceil(n / MOST_LABELS) if n > MOST_LABELS else 1
        return [(_short(axis.levels[i]), (i + 0.5) / n) for i in range(0, n, stride)]
    scale = Scale(axis.low, axis.high, "log" if axis.log else "linear")
    values = scale.ticks(MOST_LABELS)
    return [(tick(v), MARGIN + (1 - 2 * MARGIN) * float(scale.place(v))) for v in values]


def _short(value: object) -> str:
    if isinstance(value, (int, float, np.number)):
        return tick(float(f"{float(value):.2g}"))
    text = str(value)
    return text if len(text) <= 12 else text[:11] + "…"
