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
    """Return a row per method and budget k = 1 … n: what the best of k settings reaches.

    Columns: `dataset method measure k value median low high`: `value` is the expected best (`budget_curve`), `median`
    what half of all searches of k settings reach, and `low high` the 95 % interval of that median (`budget_interval`);
    the end on the better side is NaN where so few settings set none. A setting's value is its mean over seeds, diverged
    runs being the worst of the data set. It was chosen on the seeds that it is reported of, so that a curve flatters
    small differences; `tuned` does not.

    Args:
        results: of a run with `vary`.
        measure: a metric that decides a ranking, or `healthy`; by default the first metric.

    Raises:
        UsageError: the run is of one setting, or has no such measure.
    """
    return budget_of(varied(results), measure)


def budget_of(methods: Varied, measure: str | None = None) -> pd.DataFrame:
    """Return the table of `budget` of methods that are loaded already."""
    rows = []
    for dataset in methods.measures:
        column = methods.leading(dataset, measure)
        for method in methods.on(dataset):
            values = method.by_setting(column.name).to_numpy()
            curve = budget_curve(values, column.direction)
            for k, value in enumerate(curve, 1):
                interval = budget_interval(values, k, column.direction)
                middle = median_best(values, k, column.direction)
                row = (dataset, method.method, column.name, k, float(value), middle, interval.low, interval.high)
                rows.append(row)
    return pd.DataFrame(rows, columns=["dataset", "method", "measure", "k", "value", "median", "low", "high"])


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


def median_best(values: ArrayLike, k: int, direction: Direction = "higher") -> float:
    """Return the median of the best of k values over all subsets of k of the `[n]` values.

    Example:
        >>> median_best([1.0, 2.0, 3.0, 4.0], k=2)
        3.0
    """
    x = np.sort(np.asarray(values, dtype=np.float64) * (-1 if direction == "lower" else 1))
    reached = np.cumsum(_weights(len(x), k)) >= 0.5 - 1e-12
    return float(x[int(np.argmax(reached))]) * (-1 if direction == "lower" else 1)


def budget_interval(values: ArrayLike, k: int, direction: Direction = "higher") -> Interval:
    """Return the interval of the median best of k new settings, from order statistics: exact for any distribution.

    The best of k lies below its median with the chance ½, and so each setting with q = ½^(1/k). Of n settings
    Binomial(n, q) lie below it: [v_(a), v_(b)] holds it with a chance of 95 % or more, a and b being the quantiles
    that leave 2.5 % on each side. Where even the best of n lies below it more often than that, there is no end on the
    better side (NaN): with 16 settings from k = 4 on. An interval of the expected best is no substitute: the
    jackknife's covers 70 to 92 % at k = 4 and 8 of 16 (results/baselines/vary_simulations.csv).

    Args:
        values: `[n]`, one of each setting.
        k: the budget.
        direction: `lower` where the smallest is the best.

    Source: Lourie, Cho and He 2024, arXiv:2311.09480, section 4 (confidence bands of median tuning curves).
    """
    from scipy import stats

    x = np.sort(np.asarray(values, dtype=np.float64) * (-1 if direction == "lower" else 1))
    n, share = len(x), 0.5 ** (1.0 / k)
    tail = (1.0 - LEVEL) / 2.0
    below = stats.binom.cdf(np.arange(n + 1), n, share)  # P(at most i settings lie below)
    # v_(a) is too high where fewer than a settings lie below, v_(b) too low where b or more do.
    a = int(np.searchsorted(below, tail, side="right"))
    b = int(np.searchsorted(below, 1.0 - tail)) + 1
    worse = float(x[a - 1]) if a >= 1 else math.nan
    better = float(x[b - 1]) if b <= n else math.nan
    ends = (worse, better) if direction != "lower" else (-better, -worse)
    return Interval(*ends, LEVEL, "order statistics")


def settings_needed(curve: ArrayLike) -> int:
    """Return the least budget whose expected best is within 5 % of the way from the curve's start to its end.

    Example:
        >>> settings_needed([2.0, 6.0, 7.9, 8.0])
        3
    """
    x = np.asarray(curve, dtype=np.float64)
    return int(np.flatnonzero(np.abs(x[-1] - x) <= 0.05 * abs(x[-1] - x[0]))[0]) + 1
