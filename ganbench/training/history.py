"""What a trial logs, in buffers that are allocated once: a value a column, logged step and seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor


class Recorder:
    """Columns `[rows, S]` on the trial's device; a row is a logged step. What is never written stays NaN."""

    def __init__(self, steps: Iterable[int], seeds: int, device: torch.device) -> None:
        self.row = {step: i for i, step in enumerate(sorted(set(steps)))}
        self.seeds, self.device = seeds, device
        self.columns: dict[str, Tensor] = {}

    def write(self, step: int, values: Mapping[str, Tensor]) -> None:
        """Put `[S]` values of a step into their columns, without waiting for the device."""
        row = self.row[step]
        for name, value in values.items():
            column = self.columns.get(name)
            if column is None:
                column = torch.full((len(self.row), self.seeds), torch.nan, dtype=torch.float64, device=self.device)
                self.columns[name] = column
            column[row] = value

    def arrays(self) -> dict[str, np.ndarray]:
        """Return every column as a NumPy array `[rows, S]`."""
        return {name: column.cpu().numpy() for name, column in self.columns.items()}

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        return dict(self.columns)

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go on with kept columns."""
        self.columns = {name: column.to(self.device) for name, column in state.items()}


def logged_steps(steps: int, every: int) -> list[int]:
    """Return 1, every `every`-th step and the last."""
    return sorted({1, *range(every, steps + 1, every), steps})


def every_steps(logged: Iterable[int], every: int) -> set[int]:
    """Return the first of the logged steps in each `every` steps (1 to every, every + 1 to 2·every, …)."""
    first: dict[int, int] = {}
    for step in sorted(logged):
        first.setdefault((step - 1) // every, step)
    return set(first.values())


def shared_steps(logged: Iterable[int], shares: Iterable[float], steps: int) -> set[int]:
    """Return for each share of the steps the first logged step that has reached it."""
    logged = sorted(logged)
    return {next(step for step in logged if step >= share * steps) for share in shares}


def scheduled_steps(logged: Iterable[int], when: int | tuple[float, ...], steps: int) -> set[int]:
    """Return the logged steps at which a diagnostic with this schedule is asked."""
    return every_steps(logged, when) if isinstance(when, int) else shared_steps(logged, when, steps)


def logged_update_steps(logged: Iterable[int], n_generator: int) -> set[int]:
    """Return the steps whose passes are read at a logged one: its own, and the last that moved D."""
    return {passed for step in logged for passed in (step, step - (step - 1) % n_generator)}


def measured_steps(evaluated: Sequence[int], every: int | None, steps: int) -> set[int]:
    """Return the evaluations that reach a multiple of `every` since the one before, and the last.

    None is an eighth of `steps`.
    """
    period = steps / 8 if every is None else every
    reached = {step for before, step in pairwise((0, *evaluated)) if step // period > before // period}
    return reached | set(evaluated[-1:])


def snapshot_steps(evaluated: Sequence[int], most: int = 8) -> list[int]:
    """Return at most `most` of the evaluated steps, evenly spread, the first and the last among them."""
    places = np.linspace(0, len(evaluated) - 1, min(most, len(evaluated))).round().astype(int)
    return [evaluated[i] for i in sorted(set(places.tolist()))]
