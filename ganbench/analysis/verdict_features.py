"""What verdicts are read from: a few numbers a run, each with the series it comes from."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ganbench.analysis.estimators import Values
from ganbench.core.status import Status

FEWEST = 8  # evaluations; 60 and more give steady numbers
GOOD_SHARE = 0.8  # of the last quarter's evaluations have all modes
GOOD_QUALITY = 0.5


class Feature(NamedTuple):
    """A number with its origin.

    Attributes:
        value: NaN where it is not known. column: of the history table.
        steps: what it summarises; none where it is of the run as a whole. series: a value a step, where it has one.
    """

    value: float
    column: str
    steps: Values = np.zeros(0)
    series: Values = np.zeros(0)


def features(run: Mapping[Hashable, Any], history: pd.DataFrame) -> dict[str, Feature]:
    """Return the features of one run; those whose columns are missing, or too short, are left out.

    Medians are over the second half of the logged steps. `grad_g_growth` compares with the first logged step.
    `good` is 1 where all modes are captured in 80 % of the last quarter's evaluations and half of the samples or more
    are of high quality. For the others see `_movement`.
    """
    history = history.sort_values("step")
    found = {"diverged": Feature(float(run["status"] == Status.DIVERGED), "status")}
    for name, column in {
        "grad_g": "grad_norm_g",
        "grad_d": "grad_norm_d",
        "loss_slope": "loss_slope",
        "critic_slope": "critic_slope_fake",
        "overfit_ratio": "overfit_ratio",
        "auc_gap": "auc_gap",
    }.items():
        if feature := _median(history, column):
            found[name] = feature
    for name in ("grad_g", "grad_d"):
        if name in found:
            steps, norms = _series(history, found[name].column)
            growth = norms / norms[0] if norms[0] > 0 else np.full(len(norms), np.nan)
            found[f"{name}_growth"] = Feature(_late_median(growth), found[name].column, steps, growth)
    if excess := _median(history, "d_loss_excess"):
        found["advantage"] = excess._replace(value=abs(excess.value), series=np.abs(excess.series))
    return found | _quality(run, history) | _movement(history)


def _series(history: pd.DataFrame, column: str) -> tuple[Values, Values]:
    if column not in history:
        return np.zeros(0), np.zeros(0)
    values = history[column].to_numpy(np.float64)
    known = ~np.isnan(values)
    return history["step"].to_numpy(np.float64)[known], values[known]


def _late_median(values: Values) -> float:
    return float(np.median(values[len(values) // 2 :])) if len(values) else np.nan


def _median(history: pd.DataFrame, column: str) -> Feature | None:
    steps, values = _series(history, column)
    return Feature(_late_median(values), column, steps, values) if len(values) else None


def _quality(run: Mapping[Hashable, Any], history: pd.DataFrame) -> dict[str, Feature]:
    """Return what the metric `modes` says; a real set captures all K modes, so its floor is K."""
    steps, modes = _series(history, "modes_captured")
    _, quality = _series(history, "hq_fraction")
    known = float(run.get("modes_captured_floor", np.nan))
    if len(modes) < FEWEST or len(quality) < FEWEST or not known > 0:
        return {}
    late = slice(-max(1, len(modes) // 4), None)
    hq, share = float(np.median(quality[late])), float((modes[late] >= known).mean())
    return {
        "good": Feature(float(share >= GOOD_SHARE and hq >= GOOD_QUALITY), "modes_captured", steps, modes),
        "quality": Feature(hq, "hq_fraction", steps, quality),
        "more_modes": Feature(float(known > 1), "modes_captured_floor"),
        "modes_lost": Feature(known - float(np.median(modes[late])), "modes_captured", steps, known - modes),
    }


def _movement(history: pd.DataFrame) -> dict[str, Feature]:
    """Return how the generator moves, from the metric `position`; lengths are in units of the data's spread.

    With m_t the mean of its samples and s_t their spread at evaluation t, over the second half of the evaluations:
    oscillation: √Σ_axes Var(m without its straight line); move: median ‖m_t − m_{t−1}‖; net_path: ‖m_T − m_1‖ over
    Σ‖m_t − m_{t−1}‖; spread: median s; turnover: mean 1 − Jaccard index of the mode sets of neighbours; peak: largest
    share of the power of one frequency in m without its line, ≥ 0.3 is periodic. Over all evaluations: displacement,
    max √(‖m_t − m_1‖² + (s_t − s_1)²); forgotten, how many modes were captured once and are not at the end.
    """
    names = [name for name in history if str(name).startswith("position_")]
    steps, spread = _series(history, "total_spread")
    if len(steps) < FEWEST or not names:
        return {}
    mean = np.stack([_series(history, str(name))[1] for name in names], axis=1)
    start = len(steps) // 2
    late, late_steps = mean[start:], steps[start:]
    rest = _detrended(late)
    moves = np.linalg.norm(np.diff(late, axis=0), axis=1)
    path = float(moves.sum())
    moved = np.hypot(np.linalg.norm(mean - mean[0], axis=1), spread - spread[0])
    found = {
        "oscillation": Feature(float(np.sqrt((rest**2).mean(axis=0).sum())), "position", late_steps),
        "move": Feature(float(np.median(moves)), "position", late_steps[1:], moves),
        "net_path": Feature(
            float(np.linalg.norm(late[-1] - late[0])) / path if path > 0 else 0.0, "position", late_steps
        ),
        "spread": Feature(_late_median(spread), "total_spread", steps, spread),
        "displacement": Feature(float(moved.max()), "position", steps, moved),
        "peak": Feature(_peak(rest), "position"),
    }
    return found | _sets(history)


def _detrended(late: Values) -> Values:
    """Return `[n, axes]` minus the straight line that fits each axis best."""
    time = np.arange(len(late)) - (len(late) - 1) / 2
    centred = late - late.mean(axis=0)
    return centred - np.outer(time, time @ centred) / (time @ time)


def _peak(rest: Values) -> float:
    power = (np.abs(np.fft.rfft(rest, axis=0)[1:]) ** 2).sum(axis=1)
    return float(power.max() / power.sum()) if power.sum() > 0 else 0.0


def _sets(history: pd.DataFrame) -> dict[str, Feature]:
    steps, codes = _series(history, "mode_set")
    if len(codes) < FEWEST:
        return {}
    sets = [int(code) for code in codes]
    changes = np.array([_jaccard_distance(a, b) for a, b in zip(sets, sets[1:], strict=False)])
    half = len(changes) // 2
    return {
        "turnover": Feature(float(changes[half:].mean()), "mode_set", steps[1:], changes),
        "forgotten": Feature(float((_union(sets) & ~sets[-1]).bit_count()), "mode_set"),
    }


def _jaccard_distance(a: int, b: int) -> float:
    return 1.0 - (a & b).bit_count() / (a | b).bit_count() if a | b else 0.0


def _union(sets: Sequence[int]) -> int:
    union = 0
    for one in sets:
        union |= one
    return union
