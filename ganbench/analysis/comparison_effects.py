"""How large a difference between two arms is: beside a p value, never instead of one."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from ganbench.analysis.estimators import Values


def hedges_g(first: ArrayLike, second: ArrayLike) -> float:
    """Return J · (x̄ − ȳ) / s: the difference of the means in pooled standard deviations, bias corrected.

    s² = ((n−1) s_x² + (m−1) s_y²) / ν and J = 1 − 3 / (4ν − 1) with ν = n + m − 2. NaN for fewer than two values in
    an arm, where a value is not finite, and where nothing varies.

    Source: Hedges 1981, Journal of Educational Statistics 6(2), 107.
    """
    x, y = _arms(first, second)
    if min(len(x), len(y)) < 2:
        return math.nan
    freedom = len(x) + len(y) - 2
    pooled = math.sqrt(((len(x) - 1) * x.var(ddof=1) + (len(y) - 1) * y.var(ddof=1)) / freedom)
    if not pooled > 0:
        return math.nan
    return float((1 - 3 / (4 * freedom - 1)) * (x.mean() - y.mean()) / pooled)


def probability_above(first: ArrayLike, second: ArrayLike) -> float:
    """Return P(x > y) + P(x = y)/2, the Mann-Whitney U/(nm), in [0, 1]; NaN for an empty arm or a NaN.

    Source: Agarwal et al. 2021, arXiv:2108.13264, section 4.3 (as probability of improvement).
    """
    x, y = _arms(first, second)
    if not len(x) or not len(y) or np.isnan(x).any() or np.isnan(y).any():
        return math.nan
    return float(np.mean((x[:, None] > y) + 0.5 * (x[:, None] == y)))


def upper_bound(first: ArrayLike, second: ArrayLike, level: float) -> float:
    """Return the one-sided upper confidence bound of E x − E y: x̄ − ȳ + t_{level, ν} √(s_x²/n + s_y²/m).

    ν is Welch's. NaN for fewer than two values in an arm, and where nothing varies in either: that says nothing of
    what other seeds may do.

    Source: Welch 1947, Biometrika 34.
    """
    from scipy.special import stdtrit

    x, y = _arms(first, second)
    if min(len(x), len(y)) < 2:
        return math.nan
    a, b = float(x.var(ddof=1)) / len(x), float(y.var(ddof=1)) / len(y)
    if not a + b > 0:
        return math.nan
    share = a / (a + b)  # apart from the variances' own size, whose squares may underflow
    freedom = 1 / (share**2 / (len(x) - 1) + (1 - share) ** 2 / (len(y) - 1))
    return float(x.mean() - y.mean()) + float(stdtrit(freedom, level)) * math.sqrt(a + b)


def _arms(first: ArrayLike, second: ArrayLike) -> tuple[Values, Values]:
    x, y = (np.asarray(values, dtype=np.float64).reshape(-1) for values in (first, second))
    return x, y
