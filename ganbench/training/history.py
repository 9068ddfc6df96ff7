"""What a trial logs while it trains: numbers per step and seed, and a few samples to look at; and when it logs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from ganbench.core.evenly import spread_out

FIRST_ROWS = 64
SNAPSHOT_POINTS = 256
SNAPSHOT_IMAGES = 64
MOST_SNAPSHOTS = 8
SNAPSHOT_ROOM = 200_000  # numbers of a trial's snapshots, which may be more than eight where so many have room for them


class History:
    """Columns `[rows, S]` in float64 on the trial's device, one row per logged step. What is never written stays NaN.

    A column is allocated once where the steps are known. Otherwise rows are added as steps come, and a full column is
    copied into one of twice the length.

    Args:
        steps: every step that will be written; none where training has no known end.
        seeds: S.
        device: of the columns.
    """

    def __init__(self, steps: Iterable[int], seeds: int, device: torch.device) -> None:
        self.row = {step: i for i, step in enumerate(sorted(set(steps)))}
        self.seeds, self.device = seeds, device
        self.columns: dict[str, Tensor] = {}
        self._grows, self._room = not self.row, len(self.row) or FIRST_ROWS

    def write(self, step: int, values: Mapping[str, Tensor | float]) -> None:
        """Put `[S]` values of a step into their columns, without waiting for the device.

        Raises:
            KeyError: the step is none of those that were named when the history was made.
        """
        if self._grows and step not in self.row:
            self._add_row(step)
        row = self.row[step]
        for name, value in values.items():
            column = self.columns.get(name)
            if column is None:
                column = self.columns[name] = self._empty(self._room)
            column[row] = value

    def arrays(self) -> dict[str, np.ndarray]:
        """Return every column as a NumPy array `[rows, S]`."""
        return {name: column[: len(self.row)].cpu().numpy() for name, column in self.columns.items()}

    @staticmethod
    def side_by_side(parts: Sequence[History]) -> History:
        """Return the histories of a trial's seeds at the same steps as that of all; a column that one lacks is NaN."""
        whole = History(parts[0].row, sum(part.seeds for part in parts), parts[0].device)
        for name in dict.fromkeys(name for part in parts for name in part.columns):
            columns = [part.columns.get(name) for part in parts]
            filled = [part._empty(part._room) if c is None else c for part, c in zip(parts, columns, strict=True)]
            whole.columns[name] = torch.cat(filled, dim=1)
        return whole

    def state_dict(self) -> dict[str, Tensor]:
        """Return what a checkpoint keeps."""
        return dict(self.columns)

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go on with kept columns."""
        self.columns = {name: column.to(self.device) for name, column in state.items()}

    def restore(self, steps: Sequence[int], columns: Mapping[str, Tensor]) -> None:
        """Go on with kept rows `[rows]` or `[rows, S]`, in the order of steps, where no end is known."""
        self.row = {step: i for i, step in enumerate(steps)}
        self._room = max(FIRST_ROWS, len(steps))
        self.columns = {}
        for name, values in columns.items():
            self.columns[name] = self._empty(self._room)
            self.columns[name][: len(steps)] = values.reshape(len(steps), self.seeds)

    def _add_row(self, step: int) -> None:
        self.row[step] = len(self.row)
        if len(self.row) > self._room:
            more = self._empty(self._room)
            self.columns = {name: torch.cat((column, more)) for name, column in self.columns.items()}
            self._room *= 2

    def _empty(self, rows: int) -> Tensor:
        return torch.full((rows, self.seeds), torch.nan, dtype=torch.float64, device=self.device)


class ThinnedSnapshots:
    """Samples to look at of a training without a known end: at most eight snapshots, evenly spread over the calls.

    Attributes:
        kept: step → samples, as `snapshot` returns them.
    """

    def __init__(self) -> None:
        self.kept: dict[int, Tensor] = {}
        self._stride, self._calls = 1, 0

    def restore(self, kept: Mapping[int, Tensor], calls: int) -> None:
        """Go on with what was kept of some calls."""
        self.kept, self._stride, self._calls = dict(kept), 1, calls
        while calls > MOST_SNAPSHOTS * self._stride:
            self._stride *= 2

    def add(self, step: int, points: Tensor) -> None:
        """Keep samples `[S, n, *shape]`, or pass them over; of those before, the ones of this shape stay."""
        if self._calls % self._stride == 0:
            kept = snapshot(points)
            self.kept = {at: one for at, one in self.kept.items() if one.shape[2:] == kept.shape[2:]}
            self.kept[step] = kept
            if len(self.kept) > MOST_SNAPSHOTS:
                self.kept = {step: self.kept[step] for step in list(self.kept)[::2]}
                self._stride *= 2
        self._calls += 1


def snapshot(points: Tensor) -> Tensor:
    """Return a copy of the first 64 of images `[S, n, C, H, W]`, or of 256 other samples as vectors `[S, n, d]`."""
    if points.dim() == 5:
        return points[:, :SNAPSHOT_IMAGES].clone()
    first = points[:, :SNAPSHOT_POINTS]
    return first.reshape(*first.shape[:2], -1).clone()


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
    """Return the logged steps at which a diagnostic with this schedule is read."""
    return every_steps(logged, when) if isinstance(when, int) else shared_steps(logged, when, steps)


def logged_update_steps(logged: Iterable[int], n_generator: int) -> set[int]:
    """Return the steps whose updates are read at a logged one: its own, and the last that moved D."""
    return {updated for step in logged for updated in (step, step - (step - 1) % n_generator)}


def measured_steps(evaluated: Sequence[int], every: int | None, steps: int) -> set[int]:
    """Return the evaluations that reach a multiple of `every` since the one before, and the last.

    None is an eighth of `steps`.
    """
    period = steps / 8 if every is None else every
    reached = {step for before, step in pairwise((0, *evaluated)) if step // period > before // period}
    return reached | set(evaluated[-1:])


def snapshot_steps(evaluated: Sequence[int], seeds: int, shape: Sequence[int]) -> list[int]:
    """Return the evaluated steps whose samples are kept: as many as have room, evenly spread, with the first and last.

    Args:
        evaluated: all of them.
        seeds: S.
        shape: of one sample.
    """
    numbers = seeds * (SNAPSHOT_IMAGES if len(shape) == 3 else SNAPSHOT_POINTS) * math.prod(shape)
    most = max(MOST_SNAPSHOTS, SNAPSHOT_ROOM // numbers)
    return [evaluated[place] for place in spread_out(len(evaluated), most)]
