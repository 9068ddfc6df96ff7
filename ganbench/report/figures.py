"""What is drawn of a trial: its curves, two runs' curves over each other, and its gradients by layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ganbench.analysis.statistics import iqm
from ganbench.report.panels import Frame, Panel, frames
from ganbench.report.plot import (
    BAD,
    DISCRIMINATOR,
    GENERATOR,
    MUTED,
    Axes,
    Points,
    Scale,
    area,
    drawing,
    line,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from ganbench.core.column import Column

POINTS = 48  # of a curve, evenly spread over its logged steps
CROSS = 2.5  # half of a cross, in units of the plot
SIDES = (("before", MUTED), ("now", GENERATOR))
LAYER_COLUMN = "grad_norm"
NETWORKS = {"G": ("generator", GENERATOR), "D": ("discriminator", DISCRIMINATOR)}


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
    history: pd.DataFrame, diverged: Sequence[str], shared: Sequence[Frame], name: str, marks: Sequence[Mark] = ()
) -> list[Curve]:
    """Return a trial's panels, without those that nothing was logged for.

    Args:
        history: the trial's rows.
        diverged: its diverged runs, whose lines end with a cross.
        shared: the frames of its data set.
        name: of the trial, for the text alternatives.
        marks: its verdicts' evidence; panels beyond the usual ones are drawn where they have a mark.
    """
    marked = {mark.column for mark in marks}
    return [
        Curve(frame.panel, _draw(frame, history, diverged, name, marks))
        for frame in shared
        if any(_logged(history, one.column) for one in frame.panel.lines)
        and (frame.panel.usual or any(one.column in marked for one in frame.panel.lines))
    ]


def _logged(history: pd.DataFrame, column: str) -> bool:
    return column in history and bool(history[column].notna().to_numpy().any())


def _draw(frame: Frame, history: pd.DataFrame, diverged: Sequence[str], name: str, marks: Sequence[Mark]) -> str:
    axes, parts, texts = frame.axes, [frame.axes.frame], []
    for one in frame.panel.lines:
        if not _logged(history, one.column):
            continue
        steps, runs, values = curve_table(history, one.column)
        rows = [row[np.isfinite(row)] for row in values]
        middle = np.array([iqm(row) for row in rows])
        lines = [axes.points(steps, run) for run in values.T]
        parts += [_band(axes, steps, rows, one.colour), line(lines, one.colour, 0.6, 0.45)]
        parts += [line([axes.points(steps, middle)], one.colour, 1.7)]
        parts += [_crosses([points for points, run in zip(lines, runs, strict=True) if run in diverged])]
        key = one.key if len(frame.panel.lines) > 1 else "interquartile mean"
        texts.append(f"{key} {_ends(middle)}")
    for mark in marks:
        if any(one.column == mark.column for one in frame.panel.lines):
            parts.append(_mark(axes, mark))
            since = "" if mark.step is None else f" since step {mark.step}"
            texts.append(f"{mark.text}: level {mark.level:.3g}{since}")
    return drawing(parts, f"{frame.panel.title} over steps, {name}: {'; '.join(texts)}")


def curve_table(history: pd.DataFrame, column: str) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Return steps `[t]`, runs and values `[t, runs]` of at most `POINTS` steps, NaN where a run has none."""
    import pandas as pd

    numbers = history[column].to_numpy(float, na_value=np.nan)
    known = history[column].notna().to_numpy(bool)
    steps, step = np.unique(history["step"].to_numpy(dtype="int64")[known], return_inverse=True)
    run, runs = pd.factorize(history["run"].to_numpy()[known], sort=True)
    table = np.full((len(steps), len(runs)), np.nan)
    table[step, run] = np.where(np.isfinite(numbers[known]), numbers[known], np.nan)
    kept = np.unique(np.linspace(0, len(table) - 1, min(POINTS, len(table))).round().astype(int))
    return steps[kept].astype(float), [str(name) for name in runs], table[kept]


def _ends(middle: np.ndarray) -> str:
    """Return the first and last value of a curve in words."""
    known = middle[~np.isnan(middle)]
    return f"from {known[0]:.3g} to {known[-1]:.3g}" if len(known) else "nothing finite"


def _band(axes: Axes, steps: np.ndarray, rows: Sequence[np.ndarray], colour: str) -> str:
    """Return the area between the quartiles of the runs, at the steps where there are four or more."""
    at = [i for i, row in enumerate(rows) if len(row) >= 4]
    if not at:
        return ""
    low, high = quartiles([rows[i] for i in at])
    return area(axes.points(steps[at], low), axes.points(steps[at], high), colour, 0.18)


def quartiles(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Return the lower and the upper quartile of each row, `[2, rows]`; rows of one length are done at once."""
    lengths = np.array([len(row) for row in rows])
    result = np.empty((2, len(rows)))
    for length in set(lengths.tolist()):
        at = np.flatnonzero(lengths == length).tolist()
        result[:, at] = np.quantile(np.stack([rows[i] for i in at]), (0.25, 0.75), axis=1)
    return result


def _mark(axes: Axes, mark: Mark) -> str:
    """Return the level from its step on, and a small tick at the step."""
    start = axes.x.low if mark.step is None else float(mark.step)
    level = axes.points([start, axes.x.high], [mark.level, mark.level])
    tick = level[:1] + np.array([[0.0, -4.0], [0.0, 4.0]])
    return "".join(line([points], BAD, 1.1) for points in ([level] if mark.step is None else [level, tick]))


def _crosses(lines: Sequence[Points]) -> str:
    """Return a cross where each of these lines ends."""
    ends = [points[-1] for points in lines if len(points)]
    return line([np.stack((at - (CROSS, y), at + (CROSS, y))) for at in ends for y in (CROSS, -CROSS)], BAD, 1.0)


def overlays(
    before: pd.DataFrame, now: pd.DataFrame, runs: pd.DataFrame, columns: Mapping[str, Column], name: str
) -> list[Curve]:
    """Return a trial's usual panels with two runs in each: the interquartile mean over seeds, and their whole range.

    Args:
        before: the trial's rows of `history` in the first run; a baseline has none.
        now: those of the other run.
        runs: its rows of `runs` now, for the value of real samples.
        columns: the declaration of every column.
        name: of the trial, for the text alternatives.
    """
    import pandas as pd

    both = pd.concat([side for side in (before, now) if len(side)]) if len(before) + len(now) else now
    return [Curve(frame.panel, _overlay(frame, (before, now), name)) for frame in frames(both, runs, columns)]


def _overlay(frame: Frame, sides: Sequence[pd.DataFrame], name: str) -> str:
    # Real and generated logits of both sides would be four lines: the generated ones tell.
    column = frame.panel.lines[-1].column
    axes, parts, texts = frame.axes, [frame.axes.frame], []
    for (side, colour), history in zip(SIDES, sides, strict=True):
        if not _logged(history, column):
            continue
        steps, _, values = curve_table(history, column)
        known = np.isfinite(values).any(axis=1)
        steps, values = steps[known], values[known]
        middle = np.array([iqm(row[np.isfinite(row)]) for row in values])
        if len(steps):
            low, high = (axes.points(steps, pick(values, axis=1)) for pick in (np.nanmin, np.nanmax))
            parts += [area(low, high, colour, 0.16), line([axes.points(steps, middle)], colour, 1.7)]
        texts.append(f"{side} {_ends(middle)}")
    return drawing(parts, f"{frame.panel.title} over steps, {name}: {'; '.join(texts)}")


def layer_profile(layers: pd.DataFrame, name: str) -> str:
    """Return the gradient norm of each layer, first to last, as `<svg>`: where it vanishes or explodes.

    A thin line is early in training, the first quarter of the logged steps, and a thick one late, the last half;
    medians over them and the seeds. Empty where no network has two layers.
    """
    if LAYER_COLUMN not in layers or layers.empty:
        return ""
    step = layers["step"].to_numpy(float)
    early, late = layers.loc[step <= step.max() / 4], layers.loc[step >= step.max() / 2]
    profiles = {network: (_profile(early, network), _profile(late, network)) for network in NETWORKS}
    profiles = {network: both for network, both in profiles.items() if len(both[1]) > 1 and (both[1] > 0).all()}
    scale = Scale.holding(
        np.concatenate([np.empty(0), *(v for both in profiles.values() for v in both)]), np.nan, "log"
    )
    if scale is None:
        return ""
    axes = Axes(Scale(0.0, 1.0), scale, ends=("first", "last"))
    parts, texts = [axes.frame], []
    for network, both in profiles.items():
        word, colour = NETWORKS[network]
        for values, width, opacity in zip(both, (0.8, 1.7), (0.6, 1.0), strict=True):
            parts.append(line([axes.points(np.linspace(0, 1, len(values)), values)], colour, width, opacity))
        texts.append(f"{word} from {both[1][0]:.3g} in the first layer to {both[1][-1]:.3g} in the last")
    return drawing(parts, f"Gradient norm by layer, {name}: {'; '.join(texts)}")


def _profile(layers: pd.DataFrame, network: str) -> np.ndarray:
    rows = layers[layers["network"] == network]
    return rows.groupby("layer", sort=False)[LAYER_COLUMN].median().to_numpy(float)
