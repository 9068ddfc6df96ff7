"""What one finished trial leaves: three tables, pictures, and what the columns mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganbench.core.column import Column

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True)
class TrialTables:
    """The tables of one trial.

    Attributes:
        runs: a row a seed. history: a row a seed and logged step. layers: a row a seed, logged step and layer.
        samples: `{"steps": [k], "samples": [k, S, n, *shape], "real": [n, *shape]}`, float16 points or uint8 images.
        columns: the declaration of every diagnostic and metric column in the three tables, by name.
    """

    runs: pd.DataFrame
    history: pd.DataFrame
    layers: pd.DataFrame
    samples: dict[str, np.ndarray]
    columns: dict[str, Column]
