"""What a search is told of a trial under way."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ganbench.training.state import TrainingState


def last_measured(state: TrainingState, column: str) -> tuple[int, list[float]] | None:
    """Return the last step at which a metric's column was computed and its value a seed; None before the first.

    A seed that diverged has NaN.
    """
    for metric, steps in zip(state.evaluator.metrics, state.measured, strict=True):
        if column not in [one.name for one in metric.columns]:
            continue
        done = [step for step in steps if step <= state.step]
        if state.stopped is not None:
            done.append(state.stopped.step)
        if not done or column not in state.history.columns:
            return None
        values = state.history.columns[column][state.history.row[max(done)]].tolist()
        alive = state.alive.tolist()
        return max(done), [value if ok else math.nan for value, ok in zip(values, alive, strict=True)]
    return None
