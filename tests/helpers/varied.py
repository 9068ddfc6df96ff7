"""Methods over settings: a small suite that varies two rates, and results that are made up."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ganbench.analysis.settings import HEALTHY_SHARE, MethodRuns, Varied
from ganbench.core.column import Column

FID = Column("fid", "distance", direction="lower", leading=1)
MODES = Column("modes", "modes", direction="higher", leading=1)
VARIED = {
    "datasets": ["ring"],
    "networks": [{"mlp": {"width": 8, "latent": 2}}],
    "losses": ["non_saturating", "hinge"],
    "seeds": 2,
    "steps": 40,
    "batch": 16,
    "log_every": 10,
    "evaluate": {"every": 5, "samples": 50},
    "vary": {
        "settings": 8,
        "space": {"optimizer.lr": {"log_uniform": [1e-4, 1e-2]}, "optimizer.d_over_g": {"log_uniform": [0.25, 4]}},
    },
}


def method(name: str, values: np.ndarray, measure: str = "modes", numbers: pd.DataFrame | None = None) -> MethodRuns:
    """Return a method with these values `[settings, seeds]`; a run with a value of 6 or more is healthy."""
    n, seeds = values.shape
    runs = pd.DataFrame({"setting": np.repeat(np.arange(n), seeds), "seed": np.tile(np.arange(seeds), n)})
    flat = values.ravel()
    runs = runs.assign(**{"healthy": (flat >= 6).astype(float), measure: flat})
    return MethodRuns(name, "ring", pd.DataFrame(index=np.arange(n)) if numbers is None else numbers, runs)


def varied_of(values: Mapping[str, np.ndarray], column: Column = MODES) -> Varied:
    """Return methods by name with their values `[settings, seeds]`."""
    methods = [method(name, array, column.name) for name, array in values.items()]
    return Varied(methods, {"ring": [HEALTHY_SHARE, column]})
