"""Two runs' curves of one trial in one small multiple: before in grey, now in colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ganbench.analysis.statistics import iqm
from ganbench.report import svg
from ganbench.report.figures import Curve
from ganbench.report.panels import SIZE, Frame, frames

if TYPE_CHECKING:
    from matplotlib.figure import Figure

POINTS = 64
SIDES = (("before", svg.MUTED), ("now", svg.GENERATOR))


def overlays(before: pd.DataFrame, now: pd.DataFrame, runs: pd.DataFrame, name: str) -> list[Curve]:
    """Return a trial's panels with both sides: the interquartile mean over seeds, and a band from least to greatest.

    Args:
        before: the trial's rows of `history` in the first run; a baseline has none.
        now: those of the other run.
        runs: its rows of `runs` now, for the value of real samples.
        name: of the trial, for the text alternatives.
    """
    both = pd.concat([side for side in (before, now) if len(side)]) if len(before) + len(now) else now
    return [Curve(frame.panel, _draw(frame, (before, now), name)) for frame in frames(both, runs)]


def _draw(frame: Frame, sides: Sequence[pd.DataFrame], name: str) -> str:
    from matplotlib.figure import Figure

    # Real and generated logits of both sides would be four lines: the generated ones tell.
    column = list(frame.panel.lines)[-1]
    said = []
    with svg.settings():
        figure = Figure(figsize=SIZE, dpi=72)
        for (side, colour), history in zip(SIDES, sides, strict=True):
            if column in history and bool(history[column].notna().to_numpy().any()):
                said.append(f"{side} {_side(figure, frame, history, column, colour)}")
        text = f"{frame.panel.title} over steps, {name}: {'; '.join(said)}"
        return svg.element([*frame.parts, *svg.parts(figure)], SIZE, text)


def _side(figure: Figure, frame: Frame, history: pd.DataFrame, column: str, colour: str) -> str:
    """Draw one side; return its mean's first and last value in words."""
    by_step = history.loc[history[column].notna(), ["step", column]].groupby("step")[column]
    steps = np.asarray(sorted(by_step.groups), dtype=float)
    steps = steps[np.unique(np.linspace(0, len(steps) - 1, POINTS).round().astype(int))]
    values = [by_step.get_group(step).to_numpy(float) for step in steps]
    values = [x[np.isfinite(x)] for x in values]
    known = [i for i, x in enumerate(values) if len(x)]
    if not known:
        return "nothing finite"
    steps, values = steps[known], [values[i] for i in known]
    middle = np.array([iqm(x) for x in values])
    low, high = (np.array([pick(x) for x in values]) for pick in (np.min, np.max))
    band = np.concatenate((_points(frame, steps, low), _points(frame, steps, high)[::-1]))
    _patch(figure, band, colour, fill=True)
    _patch(figure, _points(frame, steps, middle), colour, fill=False)
    return f"from {middle[0]:.3g} to {middle[-1]:.3g}"


def _points(frame: Frame, steps: np.ndarray, line: np.ndarray) -> np.ndarray:
    return frame.transform.transform(np.stack((steps, np.clip(line, frame.low, frame.high)), axis=1))


def _patch(figure: Figure, points: np.ndarray, colour: str, fill: bool) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path
    from matplotlib.transforms import IdentityTransform

    style = {"facecolor": colour, "linewidth": 0, "alpha": 0.16} if fill else {"edgecolor": colour, "linewidth": 1.7}
    figure.add_artist(PathPatch(Path(points), fill=fill, transform=IdentityTransform(), **style))  # type: ignore[arg-type]
