"""The permutation test of two arms: how often would shuffled labels look at least as good?

It assumes no distribution, only that the runs of both arms are exchangeable where the arms do not differ. Integer
values (modes captured) are counted exactly at any size; others exactly where all relabelings can be listed, and by
Monte Carlo beyond.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ganbench.analysis.statistics import Values

LARGEST_LISTED = 200_000  # relabelings, about half a second
LARGEST_TABLE = 2_000_000  # numbers of subsets that are kept while counting
CHUNK = 10_000
_ROUNDING = 1e-12  # of Σ|x|: sums that differ by less are equal, and count as at least as good


@dataclass(frozen=True)
class PermutationTest:
    """Whether one arm's mean lies above another's, one-sided.

    Attributes:
        difference: mean of the first arm minus mean of the second.
        p: share of relabelings whose difference is at least the observed one; NaN where undefined.
        smallest: the smallest p that any labelling of these very values could have had, ties included. Where it is
            not below α, the test could not have said yes: too few runs, or too many equal ones.
        relabelings: how many there are, (n+m)! / n! m!.
        method: "counted", "listed" (both exact), or "drawn 99,999" (Monte Carlo; p ± √(p(1−p)/99,999)).
        undefined: the reason, empty where it is defined.
    """

    difference: float
    p: float
    smallest: float
    relabelings: int
    method: str
    undefined: str = ""

    def can_reach(self, alpha: float) -> bool:
        """Return whether some labelling of these values has p < α."""
        return self.smallest < alpha


def permutation_test(first: ArrayLike, second: ArrayLike, draws: int = 99_999, seed: int = 0) -> PermutationTest:
    """Return the one-sided test of mean(first) > mean(second).

    Exact: p = #{relabelings with Δ ≥ Δ_observed} / #relabelings, the observed one among both. Monte Carlo:
    p = (1 + #{draws with Δ ≥ Δ_observed}) / (1 + draws), which is valid and never 0. Ties count as at least as good.
    Undefined for an empty arm and where a value is not finite: score diverged runs first (`statistics.scored`).

    Args:
        first: `[n]` values, one a run.
        second: `[m]` values; for a metric that is better low, swap the two.
        draws: of the Monte Carlo test.
        seed: of the draws; the same seed gives the same p.

    Raises:
        ValueError: fewer than one draw.

    Source: Fisher 1935, The Design of Experiments, section 21; Phipson & Smyth 2010, SAGMB 9(1), 39 (the +1).
    """
    if draws < 1:
        raise ValueError(f"a Monte Carlo test takes at least one draw, not {draws}")
    a, b = (np.asarray(x, dtype=np.float64).reshape(-1) for x in (first, second))
    if reason := _no_test(a, b):
        return PermutationTest(math.nan, math.nan, math.nan, 0, "", reason)
    pool, n = np.concatenate((a, b)), len(a)
    everything = math.comb(len(pool), n)
    # Given the pool, the difference of the means rises with the sum of the first arm.
    if _countable(pool, n):
        p, method = _counted(pool, n) / everything, "counted"
    elif everything <= LARGEST_LISTED:
        p, method = _listed(pool, n) / everything, "listed"
    else:
        p, method = (1 + _drawn(pool, n, draws, seed)) / (1 + draws), f"drawn {draws:,}"
    smallest = _best(pool, n) / everything
    if method.startswith("drawn"):
        smallest = max(smallest, 1 / (1 + draws))
    return PermutationTest(float(a.mean() - b.mean()), p, smallest, everything, method)


def _no_test(a: Values, b: Values) -> str:
    if not len(a) or not len(b):
        return "an arm without runs"
    return "" if np.isfinite(a).all() and np.isfinite(b).all() else "a value is not finite"


def _countable(pool: Values, n: int) -> bool:
    whole = (pool == np.round(pool)).all()
    return bool(whole and (np.ptp(pool) * n + 1) * (n + 1) <= LARGEST_TABLE)


def _counted(pool: Values, n: int) -> int:
    """Return how many of the subsets of n have at least the sum of the first n; for whole numbers.

    ways[k, s], the number of subsets of k with sum s, grows by one value at a time.
    """
    values = (pool - pool.min()).astype(np.int64)
    observed, top = int(values[:n].sum()), int(values.max()) * n
    # Python's integers where counts pass 64 bits.
    ways = np.zeros((n + 1, top + 1), dtype=np.int64 if math.comb(len(pool), n) < 2**62 else object)
    ways[0, 0] = 1
    for value in values.tolist():
        ways[1:, value:] += ways[:-1, : top + 1 - value].copy()
    return int(ways[n, observed:].sum())


def _listed(pool: Values, n: int) -> int:
    """Return the same by listing every subset."""
    least = _least(pool, n)
    subsets = itertools.combinations(range(len(pool)), n)
    hits = 0
    while block := list(itertools.islice(subsets, CHUNK)):
        hits += int((pool[np.array(block)].sum(1) >= least).sum())
    return hits


def _drawn(pool: Values, n: int, draws: int, seed: int) -> int:
    """Return how many of random relabelings have at least the sum of the first n."""
    rng, least, hits = np.random.default_rng(seed), _least(pool, n), 0
    for start in range(0, draws, CHUNK):
        shuffled = rng.permuted(np.tile(pool, (min(CHUNK, draws - start), 1)), axis=1)
        hits += int((shuffled[:, :n].sum(1) >= least).sum())
    return hits


def _least(pool: Values, n: int) -> float:
    return float(pool[:n].sum() - _ROUNDING * np.abs(pool).sum())


def _best(pool: Values, n: int) -> int:
    """Return how many subsets of n have the largest sum: all choices among the values equal to the n-th."""
    edge = np.sort(pool)[::-1][n - 1]
    above, equal = int((pool > edge).sum()), int((pool == edge).sum())
    return math.comb(equal, n - above)
