"""Large charts: one metric or diagnostic of all trials of a data set over each other, with bands over their seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ganbench.analysis.statistics import iqm
from ganbench.report.figures import curve_table, quartiles
from ganbench.report.labelled import Area, Series, labelled
from ganbench.report.panels import Frame
from ganbench.report.plot import tick
from ganbench.report.wording import number

if TYPE_CHECKING:
    import pandas as pd

MOST_LINES = 20  # trials in a chart: the best of the ranking
BAND_EVERY = 4  # steps of the line
MOST_CHARTS = 12  # on a data set, about 25 kB each with 20 trials


@dataclass(frozen=True)
class Overlay:
    """A chart: its heading, and its `<svg>` element."""

    title: str
    svg: str


def overlays(
    history: pd.DataFrame, shared: Sequence[Frame], names: Mapping[str, str], lead: str, most: int
) -> list[Overlay]:
    """Return a chart for each column of the shared frames, the leading metric first; none of fewer than two trials.

    Args:
        history: the data set's rows.
        shared: its frames.
        names: trial → how it is called, best first; those beyond `MOST_LINES` are left out.
        lead: the metric that decides the ranking; empty where none does.
        most: how many charts there is room for.
    """
    chosen = dict(list(names.items())[:MOST_LINES])
    made = []
    parts = {str(trial): part for trial, part in history.groupby("trial", sort=False) if str(trial) in chosen}
    for frame in sorted(shared, key=lambda frame: all(line.column != lead for line in frame.panel.lines)):
        for line in frame.panel.lines:
            title = frame.panel.title + (f", {line.key}" if len(frame.panel.lines) > 1 else "")
            svg = _chart(frame, line.column, title, parts, chosen)
            if svg:
                made.append(Overlay(title, svg))
    return made[: min(most, MOST_CHARTS)]


def _chart(frame: Frame, column: str, title: str, parts: Mapping[str, pd.DataFrame], names: Mapping[str, str]) -> str:
    area = Area.holding(len(names), frame.axes.x, frame.axes.y)
    series = []
    for trial, name in names.items():
        part = parts.get(trial)
        if part is not None and np.any(part[column].notna()):
            made = _series(area, part, column, name)
            series += [made] if made is not None else []
    if len(series) < 2:
        return ""
    across = [(value, tick(value)) for value in frame.axes.x.ticks(5, integer=True)]
    axes = area.frame(across, "step", frame.axes.y.high - frame.axes.y.low > 1.5, frame.axes.floor)
    return labelled(area, axes, series, f"{title} over steps, {len(series)} trials")


def _series(area: Area, part: pd.DataFrame, column: str, name: str) -> Series | None:
    steps, _, values = curve_table(part, column)
    known = np.isfinite(values).any(axis=1)
    steps, values = steps[known], values[known]
    if len(steps) < 2:
        return None
    rows = [row[np.isfinite(row)] for row in values]
    middle = [iqm(row) for row in rows]
    at = np.unique([*range(0, len(steps), BAND_EVERY), len(steps) - 1])
    low, high = (area.at(steps[at].tolist(), edge.tolist()) for edge in quartiles([rows[i] for i in at]))
    edges = np.concatenate([low, high[::-1]]) if values.shape[1] > 1 else np.empty((0, 2))
    spoken = f"{name}: from {number(middle[0])} to {number(middle[-1])}"
    return Series(name, spoken, number(middle[-1]), area.at(steps.tolist(), middle), edges, np.empty((0, 2)))
