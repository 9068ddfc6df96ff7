"""The curves of a trial: a thin line a seed, their interquartile mean and range, and its verdicts' evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ganbench.analysis.statistics import iqm
from ganbench.report import svg
from ganbench.report.panels import PANELS, SIZE, Frame, Panel

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from matplotlib.patches import PathPatch

POINTS = 48
CROSS = 2.5  # points


@dataclass(frozen=True)
class Curve:
    """A panel as it was drawn: an `<svg>` element."""

    panel: Panel
    svg: str


@dataclass(frozen=True)
class Mark:
    """A verdict's evidence on its curve: the level that was crossed, and since which step.

    Attributes:
        column: of the history table. level: in its units. step: None where it is of the run as a whole.
        text: what it is, for the text alternative.
    """

    column: str
    level: float
    step: int | None
    text: str


def curves(
    history: pd.DataFrame, diverged: Sequence[str], frames: Sequence[Frame], name: str, marks: Sequence[Mark] = ()
) -> list[Curve]:
    """Return a trial's panels, without those that nothing was logged for.

    At most `POINTS` of the logged steps are drawn, evenly spread.

    Args:
        history: the trial's rows.
        diverged: its diverged runs, whose lines end with a cross.
        frames: of its data set.
        name: of the trial, for the text alternatives.
        marks: its verdicts' evidence; panels beyond the usual ones are drawn where they have a mark.
    """
    marked = {mark.column for mark in marks}
    return [
        Curve(frame.panel, _draw(frame, history, diverged, name, marks))
        for frame in frames
        if any(c in history and bool(history[c].notna().to_numpy().any()) for c in frame.panel.lines)
        and (frame.panel in PANELS or marked & set(frame.panel.lines))
    ]


def _draw(frame: Frame, history: pd.DataFrame, diverged: Sequence[str], name: str, marks: Sequence[Mark]) -> str:
    from matplotlib.figure import Figure

    said = []
    with svg.settings():
        figure = Figure(figsize=SIZE, dpi=72)
        for column, colour in frame.panel.lines.items():
            if column not in history:
                continue
            steps, runs, values = _table(history, column)
            what = frame.panel.keys.get(column, "interquartile mean")
            said.append(f"{what} {_lines(figure, frame, steps, values, colour)}")
            _crosses(figure, frame, steps, values[:, [run in diverged for run in runs]])
        said += [_mark(figure, frame, mark) for mark in marks if mark.column in frame.panel.lines]
        text = f"{frame.panel.title} over steps, {name}: {'; '.join(said)}"
        return svg.element([*frame.parts, *svg.parts(figure)], SIZE, text)


def _table(history: pd.DataFrame, column: str) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Return steps `[t]`, runs and values `[t, runs]`, NaN where a run has none."""
    known = history.loc[history[column].notna(), ["run", "step", column]]
    table = known.pivot(index="step", columns="run", values=column).sort_index()
    if len(table) > POINTS:
        table = table.iloc[np.unique(np.linspace(0, len(table) - 1, POINTS).round().astype(int))]
    values = table.to_numpy(float)
    return table.index.to_numpy(float), table.columns.tolist(), np.where(np.isfinite(values), values, np.nan)


def _lines(figure: Figure, frame: Frame, steps: np.ndarray, values: np.ndarray, colour: str) -> str:
    """Draw a column; return its mean's first and last value in words."""
    rows = [row[~np.isnan(row)] for row in values]
    middle = np.array([iqm(row) for row in rows])
    _band(figure, frame, steps, rows, colour)
    _path(figure, [_points(frame, steps, line) for line in values.T], colour, 0.6, 0.45)
    _path(figure, [_points(frame, steps, middle)], colour, 1.7, 1.0)
    known = middle[~np.isnan(middle)]
    return f"from {known[0]:.3g} to {known[-1]:.3g}" if len(known) else "nothing finite"


def _band(figure: Figure, frame: Frame, steps: np.ndarray, rows: Sequence[np.ndarray], colour: str) -> None:
    """Fill what lies between the quartiles of the runs at each step, where there are four or more."""
    at = [i for i, row in enumerate(rows) if len(row) >= 4]
    if not at:
        return
    low, high = np.array([np.quantile(rows[i], (0.25, 0.75)) for i in at]).T
    outline = np.concatenate((_points(frame, steps[at], low), _points(frame, steps[at], high)[::-1]))
    figure.add_artist(_patch(outline, facecolor=colour, linewidth=0, alpha=0.18))


def _mark(figure: Figure, frame: Frame, mark: Mark) -> str:
    """Draw the level from its step on, a small tick at the step, and say both."""
    first, last = frame.span
    start = first if mark.step is None else float(mark.step)
    ends = np.array([[start, last], [mark.level, mark.level]])
    line = _points(frame, ends[0], ends[1])
    tick = line[0] + np.array([[0.0, -4.0], [0.0, 4.0]])
    for points in (line, *(() if mark.step is None else (tick,))):
        figure.add_artist(_patch(points, fill=False, edgecolor=svg.BAD, linewidth=1.1))
    since = "" if mark.step is None else f" since step {mark.step}"
    return f"{mark.text}: level {mark.level:.3g}{since}"


def _patch(points: np.ndarray, **style: Any) -> PathPatch:  # noqa: ANN401 - matplotlib's own
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path
    from matplotlib.transforms import IdentityTransform

    return PathPatch(Path(points), transform=IdentityTransform(), **style)


def _points(frame: Frame, steps: np.ndarray, line: np.ndarray) -> np.ndarray:
    """Return a line's places on the figure, `[n, 2]` points."""
    known = ~np.isnan(line)
    return frame.transform.transform(np.stack((steps[known], np.clip(line[known], frame.low, frame.high)), axis=1))


def _crosses(figure: Figure, frame: Frame, steps: np.ndarray, values: np.ndarray) -> None:
    """Put a cross where each of these runs' lines ends."""
    ends = [points[-1] for line in values.T if len(points := _points(frame, steps, line))]
    strokes = [np.stack((at - (CROSS, y), at + (CROSS, y))) for at in ends for y in (CROSS, -CROSS)]
    if strokes:
        _path(figure, strokes, svg.BAD, 1.0, 1.0)


def _path(figure: Figure, lines: Sequence[np.ndarray], colour: str, width: float, alpha: float) -> None:
    """Draw all lines as one path, which is a third of their size one by one."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path
    from matplotlib.transforms import IdentityTransform

    lines = [line for line in lines if len(line)]
    if not lines:
        return
    codes = np.full(sum(map(len, lines)), Path.LINETO, Path.code_type)
    codes[np.cumsum([0, *map(len, lines[:-1])])] = Path.MOVETO
    path = Path(np.concatenate(lines), codes)
    figure.add_artist(
        PathPatch(path, fill=False, edgecolor=colour, linewidth=width, alpha=alpha, transform=IdentityTransform())
    )
