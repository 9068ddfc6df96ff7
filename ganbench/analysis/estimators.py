"""Averages over seeds, and what becomes of runs that have no value."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ganbench.core.column import Direction

Values = NDArray[np.float64]


def mean(values: ArrayLike) -> float:
    """Return Σx/n of `[n]` values; NaN for n = 0 or where any value is NaN."""
    x = np.sort(_values(values))  # in one order, so that equal sets have equal means to the last bit
    return float(x.mean()) if len(x) else np.nan


def median(values: ArrayLike) -> float:
    """Return the median of `[n]` values; NaN for n = 0 or where any value is NaN."""
    x = _values(values)
    return float(np.median(x)) if len(x) else np.nan


def iqm(values: ArrayLike) -> float:
    """Return the interquartile mean: the mean of `[n]` values without the ⌊n/4⌋ smallest and the ⌊n/4⌋ largest.

    NaN for n = 0 or where any value is NaN. Below four values nothing is left out. Up to a quarter of the seeds may
    collapse without a trace in it, so it stands beside the mean and never instead of it.

    Source: Agarwal et al. 2021, arXiv:2108.13264, section 4.2 (there over runs and tasks).
    """
    x = np.sort(_values(values))
    cut = len(x) // 4
    return float(x[cut : len(x) - cut].mean()) if len(x) and not np.isnan(x).any() else np.nan


def sd(values: ArrayLike) -> float:
    """Return √(Σ(x − mean)²/(n − 1)), the spread over seeds; NaN for n < 2 or where any value is NaN."""
    x = _values(values)
    return float(x.std(ddof=1)) if len(x) > 1 else np.nan


def worst(values: ArrayLike, direction: Direction) -> float:
    """Return what a run without a value counts as beside these; NaN if none is finite, or if neither way is better.

    It is the largest finite value where lower is better, and the smallest, but at most 0, where higher is: a run that
    has no samples captured no mode, even where every other run captured all. Where lower is better nothing bounds it,
    so such a run may equal the others; a ranking then has to break the tie.
    """
    x = _values(values)
    x = x[np.isfinite(x)]
    if not len(x) or not direction:
        return np.nan
    return min(float(x.min()), 0.0) if direction == "higher" else float(x.max())


def scored(values: ArrayLike, fill: float) -> Values:
    """Return the values that averages are taken of, `[n]` or fewer.

    A finished run without a finite value (it diverged, or the metric is not defined for its samples) counts as `fill`,
    the worst of its data set: dropping it would reward divergence. Where there is no worst (`fill` is NaN), the column
    has no direction and such runs cannot be scored: they are left out, and n says so.
    """
    x = _values(values)
    known = np.isfinite(x)
    return x[known] if np.isnan(fill) else np.where(known, x, fill)


def _values(values: ArrayLike) -> Values:
    return np.asarray(values, dtype=np.float64).reshape(-1)
