"""What a search is told of a trial under way."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ganbench.training.trainer import Trainer


def last_measured(trainer: Trainer, column: str) -> tuple[int, list[float]] | None:
    """Return the last step at which a metric's column was computed and its value a seed; None before the first.

    A seed that diverged has NaN.
    """
    for metric, steps in zip(trainer.evaluator.metrics, trainer.measured, strict=True):
        if column not in [one.name for one in metric.columns]:
            continue
        done = [step for step in steps if step <= trainer.step]
        if trainer.stopped is not None:
            done.append(trainer.stopped.step)
        if not done or column not in trainer.history.columns:
            return None
        values = trainer.history.columns[column][trainer.history.row[max(done)]].tolist()
        alive = trainer.alive.tolist()
        return max(done), [value if ok else math.nan for value, ok in zip(values, alive, strict=True)]
    return None
