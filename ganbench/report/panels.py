"""Which curves a trial shows: panels made of what the columns declare, on axes that a data set's trials share."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ganbench.core.column import Column
from ganbench.core.column import Scale as Declared
from ganbench.report.plot import DISCRIMINATOR, GENERATOR, METRIC, MUTED, Axes, Scale
from ganbench.report.wording import title_of

if TYPE_CHECKING:
    import pandas as pd

PALETTE = (GENERATOR, DISCRIMINATOR, METRIC, MUTED)
# How a legend calls the part of a column's name that tells it from the others of its panel.
KEYS = {"fake": "generated", "g": "generator", "d": "discriminator"}


@dataclass(frozen=True)
class Line:
    """A column of the history table in a panel: its colour, and what the legend calls it."""

    column: str
    colour: str
    key: str


@dataclass(frozen=True)
class Panel:
    """One small multiple.

    Attributes:
        title: the heading. lines: what is drawn. scale: of the values.
        floor: the column of `runs` with the value of real samples; empty where there is none.
        usual: shown for every trial, and not only where a verdict was read from it.
    """

    title: str
    lines: tuple[Line, ...]
    scale: Declared
    floor: str
    usual: bool


@dataclass(frozen=True)
class Frame:
    """A panel with the axes that all trials of a data set share."""

    panel: Panel
    axes: Axes


def frames(
    history: pd.DataFrame, runs: pd.DataFrame, columns: Mapping[str, Column], evidence: Collection[str] = ()
) -> list[Frame]:
    """Return the frames of a data set from its rows of both tables, without panels that nothing was logged for.

    A column that declares `curve` has a panel, and so has one that a verdict was read from. Columns with the same
    title share a panel.

    Args:
        history: its rows of `history`.
        runs: its rows of `runs`.
        columns: the declaration of every column.
        evidence: columns that verdicts were read from.
    """
    by_title: dict[str, list[Column]] = {}
    for name in history.columns:
        if name in columns and (columns[name].curve or name in evidence):
            by_title.setdefault(title_of(columns[name]), []).append(columns[name])
    panels = [_panel(title, group, runs) for title, group in by_title.items()]
    last = float(history["step"].to_numpy(float).max()) if len(history) else 1.0
    return [
        Frame(panel, Axes(Scale(0.0, last), scale, floor))
        for panel in sorted(panels, key=lambda panel: not panel.usual)
        if (scale := _scale(panel, history, floor := _floor(panel, runs))) is not None
    ]


def _panel(title: str, group: list[Column], runs: pd.DataFrame) -> Panel:
    floor = next((f"{column.name}_floor" for column in group if f"{column.name}_floor" in runs), "")
    lines: list[Line] = []
    for column, key in zip(group, _keys([column.name for column in group]), strict=True):
        used = {line.colour for line in lines}
        preferred = _colour(column, bool(floor))
        free = [colour for colour in (preferred, *PALETTE) if colour not in used] or [preferred]
        lines.append(Line(column.name, free[0], key))
    scale: Declared = "log" if any(column.scale == "log" for column in group) else "linear"
    return Panel(title, tuple(lines), scale, floor, any(column.curve for column in group))


def _colour(column: Column, metric: bool) -> str:
    """Return the colour of what a column is about: a metric, the discriminator, real samples, or the generator."""
    if metric:
        return METRIC
    if "discriminator" in column.title.lower():
        return DISCRIMINATOR
    return MUTED if column.name.startswith("real_") else GENERATOR


def _keys(names: list[str]) -> list[str]:
    """Return what tells these names apart: `real_logit_mean` and `fake_logit_mean` are "real" and "generated"."""
    parts = [name.split("_") for name in names]
    common = set.intersection(*map(set, parts)) if len(parts) > 1 else set()
    return [" ".join(KEYS.get(word, word) for word in words if word not in common) for words in parts]


def _scale(panel: Panel, history: pd.DataFrame, floor: float) -> Scale | None:
    values = np.concatenate([history[line.column].to_numpy(float) for line in panel.lines])
    return Scale.holding(values, floor, panel.scale)


def _floor(panel: Panel, runs: pd.DataFrame) -> float:
    known = runs[panel.floor].dropna().to_numpy(float) if panel.floor else np.empty(0)
    return float(known[0]) if len(known) else np.nan
