"""What a monitor logs: columns that grow a row at a time, and the frames made of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

FIRST_ROWS = 64


class Rows:
    """Numbers by step and column; a column that a row lacks is NaN there."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.columns: dict[str, np.ndarray] = {}
        self._room = FIRST_ROWS

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Add values to the row of a step, which is the last one or comes after it."""
        if not self.steps or self.steps[-1] != step:
            self.steps.append(step)
            if len(self.steps) > self._room:
                self._room *= 2
                self.columns = {name: _longer(column, self._room) for name, column in self.columns.items()}
        for name, value in values.items():
            if name not in self.columns:
                self.columns[name] = np.full(self._room, np.nan)
            self.columns[name][len(self.steps) - 1] = value

    def frame(self, **identity: object) -> pd.DataFrame:
        """Return a row a step, with what is the same in all of them in front."""
        n = len(self.steps)
        numbers = {name: column[:n] for name, column in self.columns.items()}
        return pd.DataFrame({**identity, "step": np.array(self.steps, dtype=np.int64), **numbers})

    def last(self) -> dict[str, float]:
        """Return the last known value of each column."""
        n = len(self.steps)
        known = {name: column[:n][~np.isnan(column[:n])] for name, column in self.columns.items()}
        return {name: float(values[-1]) for name, values in known.items() if len(values)}

    def state(self) -> tuple[list[int], dict[str, np.ndarray]]:
        """Return the steps and the columns as far as they are filled."""
        return self.steps, {name: column[: len(self.steps)] for name, column in self.columns.items()}


def _longer(column: np.ndarray, rows: int) -> np.ndarray:
    return np.concatenate((column, np.full(rows - len(column), np.nan)))
