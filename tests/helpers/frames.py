"""Rows of tables."""

from __future__ import annotations

import numpy as np
import pandas as pd


def where(frame: pd.DataFrame, **values: object) -> pd.DataFrame:
    """Return the rows whose columns have these values."""
    for column, value in values.items():
        frame = frame.take(np.flatnonzero(frame[column] == value))
    return frame
