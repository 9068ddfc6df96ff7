"""The budget curve: what the best of k tried settings is expected to reach, so that methods meet at equal budgets."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ganbench.analysis.settings import Varied, varied
from ganbench.analysis.statistics import LEVEL, Interval, Values
from ganbench.core.column import Direction
from ganbench.tables.results import Results


def budget(results: Results, measure: str | None = None) -> pd.DataFrame:
    """Return a row per method and budget k = 1 … n: what the best of k settings is expected to reach.

    Columns: `dataset method measure k value low high`; `low` and `high` are `budget_interval`'s, NaN beyond k = n/2.
    A setting's value is its mean over seeds, diverged runs being the worst of the data set; the metric is chosen on the
    seeds that it is reported of, so that the curve flatters small differences: `tuned` does not.

    Args:
        results: of a run with `vary`.
        measure: a metric that decides a ranking, or `healthy`; by default the first metric.

    Raises:
        UsageError: the run is of one setting, or has no such measure.
    """
    return budget_of(varied(results), measure)


def budget_of(methods: Varied, measure: str | None = None) -> pd.DataFrame:
    """Return the same of methods that are loaded already."""
    rows = []
    for dataset in methods.measures:
        column = methods.leading(dataset, measure)
        for method in methods.on(dataset):
            values = method.by_setting(column.name).to_numpy()
            curve = budget_curve(values, column.direction)
            for k, value in enumerate(curve, 1):
                interval = budget_interval(values, k, column.direction)
                rows.append((dataset, method.method, column.name, k, float(value), interval.low, interval.high))
    return pd.DataFrame(rows, columns=["dataset", "method", "measure", "k", "value", "low", "high"])


def budget_curve(values: ArrayLike, direction: Direction = "higher") -> Values:
    """Return the expected best of k values drawn without replacement, `[n] → [n]` for k = 1 … n.

    V_k = Σ_i C(i − 1, k − 1) / C(n, k) · v_(i) with v_(1) ≤ … ≤ v_(n), which is the mean of the best over all subsets
    of k values: the unbiased estimate of the expected best of k new settings. The estimate with replacement of Dodge
    et al. is biased downwards.

    Args:
        values: `[n]`, one of each setting.
        direction: `lower` where the smallest is the best.

    Example:
        >>> budget_curve([1.0, 2.0, 3.0]).round(4).tolist()
        [2.0, 2.6667, 3.0]

    Source: Dodge et al. 2019, arXiv:1909.03004; the unbiased estimator: Tang et al. 2020, arXiv:2004.14373, eq. 5.
    """
    x = np.sort(np.asarray(values, dtype=np.float64))
    if direction == "lower":
        return -budget_curve(-x)
    n = len(x)
    return np.array([float(_weights(n, k) @ x) for k in range(1, n + 1)])


def _weights(n: int, k: int) -> Values:
    """Return C(i − 1, k − 1) / C(n, k) for i = 1 … n."""
    return np.array([math.comb(i, k - 1) for i in range(n)], dtype=np.float64) / math.comb(n, k)


def budget_interval(values: ArrayLike, k: int, direction: Direction = "higher", level: float = LEVEL) -> Interval:
    """Return the interval of the expected best of k new settings: V_k ± t_{n−1} · s_J, s_J the jackknife's error.

    s_J² = (n − 1)/n · Σ_i (V_k without i − mean)². Undefined beyond k = n/2: then V_k hangs on the few best values, and
    no interval from the settings at hand covers what it says (results/baselines/vary_simulations.csv).

    Args:
        values: `[n]`, one of each setting.
        k: the budget.
        direction: `lower` where the smallest is the best.
        level: the nominal coverage.

    Source: Arvesen 1969, Annals of Mathematical Statistics 40 (the jackknife of U-statistics, of which V_k is one).
    """
    from scipy import stats

    x = np.sort(np.asarray(values, dtype=np.float64) * (-1 if direction == "lower" else 1))
    n = len(x)
    if not 1 <= k <= n // 2:
        return Interval(math.nan, math.nan, level, "jackknife", f"{n} settings say too little of the best of {k}")
    centre, weights = float(_weights(n, k) @ x), _weights(n - 1, k)
    left_out = np.array([float(weights @ np.delete(x, i)) for i in range(n)])
    error = math.sqrt((n - 1) / n * float(np.square(left_out - left_out.mean()).sum()))
    half = float(stats.t.ppf(1 - (1 - level) / 2, n - 1)) * error
    ends = (centre - half, centre + half) if direction != "lower" else (-centre - half, -centre + half)
    return Interval(*ends, level, "jackknife")


def settings_needed(curve: ArrayLike, share: float = 0.05) -> int:
    """Return the least budget whose expected best is within a share of the way from the curve's start to its end.

    Example:
        >>> settings_needed([2.0, 6.0, 7.9, 8.0])
        3
    """
    x = np.asarray(curve, dtype=np.float64)
    return int(np.flatnonzero(np.abs(x[-1] - x) <= share * abs(x[-1] - x[0]))[0]) + 1
