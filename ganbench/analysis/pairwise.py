"""Which method is better over settings that all of them met: exact tests of every pair, and their effects."""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ganbench.analysis.multiplicity import holm
from ganbench.analysis.settings import Varied, varied
from ganbench.analysis.statistics import Values
from ganbench.tables.results import Results

MOST_LISTED = 16  # settings whose 2^n sign patterns are all listed
DRAWS = 99_999
ALPHA = 0.05
_ROUNDING = 1e-12


def pairwise(results: Results, measure: str | None = None) -> pd.DataFrame:
    """Return a row per pair of methods of a data set, the more certain first.

    Columns: `dataset measure better worse settings difference p_better p p_holm method`. `difference` is the mean over
    settings of better − worse; `p_better` is P(better) over settings, ties counting half; `p` is `sign_flip`'s,
    two-sided, and `p_holm` Holm's over all pairs of the data set: below α all at once, with at most the chance α of a
    single false one. Settings that one of the two lacks are left out of the pair.

    Args:
        results: of a run with `vary`.
        measure: a metric that decides a ranking, or `healthy`; by default the first metric.

    Raises:
        UsageError: the run is of one setting, or has no such measure.
    """
    return pairwise_of(varied(results), measure)


def pairwise_of(methods: Varied, measure: str | None = None) -> pd.DataFrame:
    """Return the table of `pairwise` of methods that are loaded already."""
    columns = ["dataset", "measure", "better", "worse", "settings", "difference", "p_better", "p", "p_holm", "method"]
    tables = [pd.DataFrame(columns=columns)]
    for dataset in methods.measures:
        column = methods.leading(dataset, measure)
        sign = -1.0 if column.direction == "lower" else 1.0
        values = {method.method: method.by_setting(column.name) for method in methods.on(dataset)}
        rows = []
        for first, second in itertools.combinations(values, 2):
            both = pd.concat([values[first], values[second]], axis=1, join="inner").to_numpy(dtype=np.float64)
            gain = sign * (both[:, 0] - both[:, 1])
            better, worse = (first, second) if gain.sum() >= 0 else (second, first)
            gain = gain if gain.sum() >= 0 else -gain
            test = sign_flip(gain)
            effect = float(np.mean((gain > 0) + 0.5 * (gain == 0))) if len(gain) else math.nan
            mean = sign * test.mean
            rows.append((dataset, column.name, better, worse, len(gain), mean, effect, test.p, math.nan, test.method))
        table = pd.DataFrame(rows, columns=columns)
        tables.append(table.assign(p_holm=holm(table["p"].tolist())).sort_values("p", kind="stable"))
    kept = [table for table in tables if len(table)]
    return pd.concat(kept, ignore_index=True) if kept else tables[0]


def distinguishable(pairs: pd.DataFrame, alpha: float = ALPHA) -> pd.DataFrame:
    """Return the pairs that can be told apart; none is an answer too: no method can be told from another."""
    return pairs.loc[pairs["p_holm"] < alpha]


@dataclass(frozen=True)
class SignFlip:
    """Whether paired differences have a mean other than zero, two-sided.

    Attributes:
        mean: of the differences. p: NaN without differences.
        smallest: the smallest p that so many differences could have had.
        method: `listed` (exact) or `drawn 99,999` (Monte Carlo).
    """

    mean: float
    p: float
    smallest: float
    method: str


def sign_flip(differences: ArrayLike) -> SignFlip:
    """Return the sign-flip test of paired differences: if no method is better, each has either sign alike.

    p = #{s ∈ {−1, 1}ⁿ with |Σ s_i d_i| ≥ |Σ d_i|} / 2ⁿ, exact up to 16 differences; beyond, of 99,999 drawn patterns,
    p = (1 + #) / (1 + 99,999), which is valid and never 0. Differences of zero change nothing and need not be left out.

    Args:
        differences: `[n]`, one of each setting.

    Example:
        >>> sign_flip([1.0, 2.0, 3.0]).p
        0.25

    Source: Fisher 1935, The Design of Experiments, section 21; Good 2005, Permutation, Parametric and Bootstrap Tests.
    """
    d = np.asarray(differences, dtype=np.float64)
    n = len(d)
    if not n or not np.isfinite(d).all():
        return SignFlip(math.nan, math.nan, 1.0, "undefined")
    observed = abs(d.sum()) - _ROUNDING * np.abs(d).sum()
    smallest = min(1.0, 2.0 ** (1 - int(np.count_nonzero(d))))
    if n <= MOST_LISTED:
        p = float(np.mean(np.abs(_patterns(n) @ d) >= observed))
        return SignFlip(float(d.mean()), p, smallest, "listed")
    signs = np.random.default_rng(0).integers(0, 2, (DRAWS, n), dtype=np.int8) * 2.0 - 1.0
    hits = int(np.sum(np.abs(signs @ d) >= observed))
    return SignFlip(float(d.mean()), (1 + hits) / (1 + DRAWS), max(smallest, 1 / (1 + DRAWS)), f"drawn {DRAWS:,}")


@functools.lru_cache(maxsize=4)
def _patterns(n: int) -> Values:
    """Return all sign patterns whose first sign is +, `[2^(n−1), n]`: the others are their mirror images."""
    bits = np.arange(2 ** (n - 1))[:, None] >> np.arange(n - 1)
    return np.hstack([np.ones((len(bits), 1)), 1.0 - 2.0 * (bits & 1)])
