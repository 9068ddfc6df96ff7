"""Permutation tests of two sides: how often would shuffled labels look at least as good?

Two independent sides are tested by the studentised difference of their means. That test is exact where the runs of both
sides are exchangeable, and its error rate approaches α with the number of runs where the means are equal and spreads or
shapes differ; the difference of the means by itself does not. With a few runs on the side that varies more it is still
too eager, so p is never below that of Welch's t. Sides that share their seeds are tested in pairs.
All relabelings are counted where there are few different ones, and drawn where there are many.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ganbench.analysis.statistics import Values, scaled

LARGEST_COUNTED = 200_000  # different relabelings, about a tenth of a second
LARGEST_POOL = 1000  # numbers of relabelings leave the range of float64 beyond
CHUNK = 10_000
_NOTHING = 1e-12  # of the pool's variance: a smaller spread is rounding
_ROUNDING = 1e-9  # statistics that differ by less are equal, and count as at least as good
_CANCELLED = 1e-14  # times t²: the same for statistics of sides that hardly spread


@dataclass(frozen=True)
class PermutationTest:
    """Whether one side's mean lies above another's, one-sided.

    Attributes:
        difference: mean of the first side minus mean of the second.
        p: share of relabelings whose statistic is at least the observed one, or Welch's p where that is larger; NaN
            where undefined.
        smallest: no labelling of these very values could have had a smaller p, ties included. Where it is not below α,
            the test could not have said yes: too few runs, or too many equal ones. (Of a drawn test a lower limit.)
        relabelings: how many there are: (n+m)! / n! m!, or 2ⁿ in pairs.
        method: "counted" (exact), or "drawn 99,999" (Monte Carlo; p ± √(p(1−p)/99,999)).
        undefined: the reason, empty where it is defined.
    """

    difference: float
    p: float
    smallest: float
    relabelings: int
    method: str
    undefined: str = ""


def permutation_test(first: ArrayLike, second: ArrayLike, draws: int = 99_999, seed: int = 0) -> PermutationTest:
    """Return the one-sided test of mean(first) > mean(second) for independent sides.

    The statistic is t = (x̄ − ȳ) / √(s_x²/n + s_y²/m); t = ±∞ where both sides are constant and differ. With one run on
    a side it is x̄ − ȳ. Counted: p = #{relabelings with t ≥ t_observed} / #relabelings, the observed one among both.
    Drawn: p = (1 + #{draws with t ≥ t_observed}) / (1 + draws), which is valid and never 0. Ties count as at least as
    good. Undefined for an empty side and where a value is not finite: score diverged runs first (`statistics.scored`).

    Args:
        first: `[n]` values, one per run.
        second: `[m]` values; for a metric that is better low, swap the two.
        draws: of the Monte Carlo test.
        seed: of the draws; the same seed gives the same p.

    Raises:
        ValueError: fewer than one draw.

    p is the larger of that and P(T_ν ≥ t) of Student's T with Welch's ν: as exact as the first, and right with fewer
    runs where spreads differ.

    Source: Janssen 1997, Statistics & Probability Letters 36, 9; Chung & Romano 2013, Annals of Statistics 41(2), 484;
    Phipson & Smyth 2010, SAGMB 9(1), 39 (the +1); Welch 1947, Biometrika 34.

    Example:
        >>> permutation_test([8, 8, 7, 8, 8], [1, 2, 1, 0, 1]).p * 252  # one of the 252 relabelings: the observed one
        1.0
    """
    a, b = _checked(first, second, draws)
    if reason := _no_test(a, b):
        return PermutationTest(math.nan, math.nan, math.nan, 0, "", reason)
    difference = float(scaled(np.mean, a) - scaled(np.mean, b))
    pool, n = _standard(np.concatenate((a, b))), len(a)
    everything = math.comb(len(pool), n)
    observed = float(_studentised(pool[:n].sum(), np.square(pool[:n]).sum(), pool, n))
    least = _as_good_as(observed)
    welch = _welch(pool, n, observed)
    splits = _splits(pool, n)
    if splits is None:
        hits = 0
        for x in _shuffled(pool, draws, seed):
            kept = x[:, :n]
            hits += int((_studentised(kept.sum(1), np.square(kept).sum(1), pool, n) >= least).sum())
        return _drawn(difference, hits, draws, everything, welch)
    sums, squares, ways = splits
    t = _studentised(sums, squares, pool, n)
    p, smallest = (float(ways[t >= edge].sum() / ways.sum()) for edge in (least, _as_good_as(float(t.max()))))
    p = max(p, 1 / everything)  # the observed relabeling is one of them, however its sums were rounded
    return PermutationTest(difference, max(p, welch), smallest, everything, "counted")


def paired_test(first: ArrayLike, second: ArrayLike, draws: int = 99_999, seed: int = 0) -> PermutationTest:
    """Return the one-sided test of mean(first) > mean(second) for runs that come in pairs: the signs of x_i − y_i flip.

    Exact where the two runs of each pair are exchangeable, however they depend on each other. Given the sizes of the
    differences, Student's t of them rises with their sum, so that the sum is the statistic.

    Args:
        first: `[n]` values.
        second: `[n]` values of the same seeds in the same order.
        draws: of the Monte Carlo test.
        seed: of the draws.

    Raises:
        ValueError: fewer than one draw, or sides of different sizes.

    Source: Fisher 1935, The Design of Experiments, section 21; Janssen 1999, Journal of Statistical Planning and
    Inference 80, for means where the differences are not symmetric.

    Example:
        >>> paired_test([8, 8, 7, 8, 8], [1, 2, 1, 0, 1]).p  # one of 2⁵
        0.03125
    """
    a, b = _checked(first, second, draws)
    if len(a) != len(b):
        raise ValueError(f"{len(a)} and {len(b)} runs are no pairs")
    if reason := _no_test(a, b):
        return PermutationTest(math.nan, math.nan, math.nan, 0, "", reason)
    unit = max(float(np.abs(a).max()), float(np.abs(b).max())) or 1.0
    gaps = a / unit - b / unit
    sizes, everything = np.abs(gaps), 2 ** len(gaps)
    least = float(gaps.sum() - _NOTHING * sizes.sum())
    difference = float(gaps.mean() * unit)
    flips = _flips(sizes)
    if flips is None:
        rng, hits = np.random.default_rng(seed), 0
        for start in range(0, draws, CHUNK):
            signs = rng.integers(0, 2, (min(CHUNK, draws - start), len(gaps))) * 2.0 - 1.0
            hits += int((signs @ sizes >= least).sum())
        return _drawn(difference, hits, draws, everything)
    sums, ways = flips
    p = float(ways[sums >= least].sum() / ways.sum())
    return PermutationTest(difference, p, 0.5 ** int((sizes > 0).sum()), everything, "counted")


def _checked(first: ArrayLike, second: ArrayLike, draws: int) -> tuple[Values, Values]:
    if draws < 1:
        raise ValueError(f"a Monte Carlo test takes at least one draw, not {draws}")
    a, b = (np.asarray(x, dtype=np.float64).reshape(-1) for x in (first, second))
    return a, b


def _no_test(a: Values, b: Values) -> str:
    if not len(a) or not len(b):
        return "an arm without runs"
    return "" if np.isfinite(a).all() and np.isfinite(b).all() else "a value is not finite"


def _drawn(difference: float, hits: int, draws: int, everything: int, least: float = 0.0) -> PermutationTest:
    p, smallest = max((1 + hits) / (1 + draws), least), max(1 / everything, 1 / (1 + draws))
    return PermutationTest(difference, p, smallest, everything, f"drawn {draws:,}")


def _welch(pool: Values, n: int, t: float) -> float:
    """Return P(T_ν ≥ t) with ν = (a + b)² / (a²/(n−1) + b²/(m−1)) of a = s_x²/n, b = s_y²/m; 0 where it has no say."""
    from scipy.special import stdtr

    m = len(pool) - n
    if min(n, m) < 2 or not math.isfinite(t):
        return 0.0
    a, b = float(pool[:n].var(ddof=1)) / n, float(pool[n:].var(ddof=1)) / m
    if not a + b > 0:
        return 0.0
    return float(stdtr((a + b) ** 2 / (a**2 / (n - 1) + b**2 / (m - 1)), -t))


def _as_good_as(t: float) -> float:
    """Return from where on a statistic counts as at least as good as t.

    A variance is the difference of sums of the pool's size, 1, so its own relative error is some 1e-16 over it, which
    is t² times that: where both sides hardly spread beside what is between them, equal statistics differ by more.
    """
    return t - max(1.0, abs(t)) * (_ROUNDING + _CANCELLED * t**2) if math.isfinite(t) else t


def _standard(pool: Values) -> Values:
    """Return the values with mean 0 and variance 1, so that neither squares nor sums leave their range."""
    x = pool / (float(np.abs(pool).max()) or 1.0)
    x = x - x.mean()
    spread = float(x.std())
    return x / spread if spread > 0 else np.zeros_like(x)


def _studentised(sums: ArrayLike, squares: ArrayLike, pool: Values, n: int) -> NDArray[np.float64]:
    """Return t of splits of a pool, from the sums `[k]` and the sums of squares `[k]` of their first sides of n."""
    s, q, m = np.asarray(sums, dtype=np.float64), np.asarray(squares, dtype=np.float64), len(pool) - n
    other, other_squares = pool.sum() - s, np.square(pool).sum() - q
    difference = s / n - other / m
    if min(n, m) < 2:
        return difference
    variance = (q - s**2 / n).clip(0) / (n * (n - 1)) + (other_squares - other**2 / m).clip(0) / (m * (m - 1))
    certain = np.where(np.abs(difference) <= _NOTHING, 0.0, np.copysign(np.inf, difference))
    return np.where(variance > _NOTHING, difference / np.sqrt(np.maximum(variance, _NOTHING)), certain)


def _splits(pool: Values, n: int) -> tuple[Values, Values, Values] | None:
    """Return sums, sums of squares and numbers of the different choices of n from a pool; None for too many of them.

    Equal values are chosen by their number, and choices that come to the same sums are counted once, so that a few
    distinct values in many runs (modes are whole numbers) are exact as well.
    """
    if len(pool) > LARGEST_POOL:
        return None
    values, counts = np.unique(np.round(pool, 12), return_counts=True)
    if len(values) == len(pool) and math.comb(len(pool), n) > LARGEST_COUNTED:  # no two choices would be merged
        return None
    taken, sums, squares, ways = np.zeros(1, dtype=np.int64), np.zeros(1), np.zeros(1), np.ones(1)
    left = len(pool)
    for value, count in zip(values, counts.tolist(), strict=True):
        left -= count
        take = np.arange(count + 1)
        now = taken[:, None] + take
        keep = (now <= n) & (now + left >= n)
        if int(keep.sum()) > LARGEST_COUNTED:
            return None
        binomials = np.array([float(math.comb(count, k)) for k in range(count + 1)])
        taken = now[keep]
        sums = (sums[:, None] + take * value)[keep]
        squares = (squares[:, None] + take * value**2)[keep]
        ways = (ways[:, None] * binomials)[keep]
        if len(values) < len(pool):
            at, ways = _merged(ways, taken, np.round(sums, 9), np.round(squares, 9))
            taken, sums, squares = taken[at], sums[at], squares[at]
    return sums, squares, ways


def _merged(ways: Values, *keys: NDArray[np.generic]) -> tuple[NDArray[np.intp], Values]:
    """Return the place of one choice of each group with equal keys, and the number of ways to all of its choices."""
    order = np.lexsort(keys)
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = np.any([key[order][1:] != key[order][:-1] for key in keys], axis=0)
    return order[fresh], np.add.reduceat(ways[order], np.flatnonzero(fresh))


def _flips(sizes: Values) -> tuple[Values, Values] | None:
    """Return the sums and numbers of the different choices of signs; None for too many of them."""
    if len(sizes) > LARGEST_POOL:
        return None
    sums, ways = np.zeros(1), np.ones(1)
    for size in sizes[sizes > 0]:
        both = np.concatenate((sums + size, sums - size))
        at, ways = _merged(np.concatenate((ways, ways)), np.round(both, 12))
        sums = both[at]
        if len(sums) > LARGEST_COUNTED:
            return None
    return sums, ways


def _shuffled(pool: Values, draws: int, seed: int) -> Iterator[Values]:
    """Yield random relabelings, `[≤ CHUNK, n + m]` at a time."""
    rng = np.random.default_rng(seed)
    for start in range(0, draws, CHUNK):
        yield rng.permuted(np.tile(pool, (min(CHUNK, draws - start), 1)), axis=1)
