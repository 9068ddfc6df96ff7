"""Made-up runs: a healthy one, whose columns may be changed, and what is judged of it."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from ganbench.analysis.verdicts import verdicts
from ganbench.tables.results import Results
from tests.helpers.stand_in import stand_in

N = 80
STEPS = np.arange(1, N + 1) * 25
Run = tuple[dict[Hashable, Any], pd.DataFrame]
TIME = np.linspace(0.0, 1.0, N)
CIRCLE = np.arange(N) * 0.7


def run(name: str = "a-0", status: str = "OK", trial: str = "a", seed: int = 0, **changes: Any) -> Run:
    """Return a run's row and history: healthy, 8 modes, unless columns are changed; None takes one away."""
    columns = {
        "grad_norm_g": 0.5,
        "grad_norm_d": 0.5,
        "grad_push_g": 5.0,
        "grad_push_d": 5.0,
        "loss_slope_share": 0.7,
        "critic_rise": 0.7,
        "update_ratio_d": 1e-3,
        "overfit_ratio": 0.02,
        "auc_gap": 0.0,
        "d_advantage": 0.4,
        "modes_captured": 8.0,
        "hq_fraction": 0.9,
        "position_1": 0.01 * np.cos(CIRCLE),
        "position_2": 0.01 * np.sin(CIRCLE),
        "total_spread": np.minimum(1.0, 3 * TIME),
        "mode_set": 255.0,
        "mode_kl": 0.004,
    }
    row: dict[Hashable, Any] = {
        "run": name,
        "trial": trial,
        "seed": seed,
        "status": status,
        "known_modes": 8.0,
        "fewest_modes": 8.0,
    }
    row |= {"precision_floor": 0.95, "recall_floor": 0.95, "hq_fraction_floor": 0.97, "mode_kl_floor": 0.004}
    row["total_spread_floor"] = 1.0
    row["diverged_at"] = 77 if status == "DIVERGED" else pd.NA
    row |= {name: changes.pop(name) for name in list(changes) if name in row}
    columns |= changes
    kept = {name: np.broadcast_to(value, N) for name, value in columns.items() if value is not None}
    return row, pd.DataFrame({"run": name, "step": STEPS, **kept})


def results(*runs):
    return stand_in(
        Results, runs=pd.DataFrame([row for row, _ in runs]), history=pd.concat([history for _, history in runs])
    )


def judge(*runs, **changes):
    return verdicts(results(*(runs or [run(**changes)]))).iloc[0]


def circle(radius) -> dict[str, Any]:
    return {"position_1": radius * np.cos(CIRCLE), "position_2": radius * np.sin(CIRCLE)}
