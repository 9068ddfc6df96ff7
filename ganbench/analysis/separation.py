"""Which trials of a data set the seeds tell apart: each against the plain one, and ranks that tests stand behind."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ganbench.analysis.multiplicity import holm
from ganbench.analysis.permutation import permutation_test
from ganbench.analysis.statistics import LEVEL, Interval, Values, unit_of
from ganbench.core.column import Direction

ALPHA = 0.05


@dataclass(frozen=True)
class Difference:
    """A trial against the plain one.

    Attributes:
        trial: which. difference: its mean minus that of the plain one. interval: Welch's, 95 %; NaN where neither
            side varies. p: two-sided. p_holm: Holm's over all trials of the data set.
        better: whether it is told to be better (True) or worse (False); None where it is not told apart.
    """

    trial: str
    difference: float
    interval: Interval
    p: float
    p_holm: float
    better: bool | None


def against(values: Mapping[str, Values], plain: str, direction: Direction) -> list[Difference]:
    """Return each other trial's difference from the plain one, in the order of `values`.

    p is twice the one-sided p of `permutation_test` in the observed direction, at most 1; Holm's family is the trials
    of the data set. `values` are trial → `[runs]`, diverged runs scored as the worst.

    Example:
        >>> import numpy as np
        >>> (one,) = against({"a": np.arange(8.0), "b": np.arange(8.0) + 20}, "a", "higher")
        >>> one.difference, round(one.p, 5), one.better
        (20.0, 0.00016, True)

    Source: Holm 1979, Scandinavian Journal of Statistics 6, 65.
    """
    others = [name for name in values if name != plain]
    tests = [_two_sided(values[name], values[plain]) for name in others]
    adjusted = holm([1.0 if math.isnan(p) else p for p in tests])
    sign = -1.0 if direction == "lower" else 1.0
    made = []
    for name, p, p_holm in zip(others, tests, adjusted, strict=True):
        difference = _difference(values[name], values[plain])
        better = sign * difference > 0 if p_holm < ALPHA else None
        made.append(Difference(name, difference, welch_interval(values[name], values[plain]), p, p_holm, better))
    return made


def ranks(values: Mapping[str, Values], direction: Direction) -> dict[str, int]:
    """Return trial → one more than how many trials are told to be better, by Holm's over all pairs.

    Trials that no test separates from the best share rank 1. A pair whose Welch p alone is above α has no test by
    permutation, whose p is never below it.

    Example:
        >>> import numpy as np
        >>> ranks({"a": np.arange(8.0), "b": np.arange(8.0) + 20, "c": np.arange(8.0) + 1}, "higher")
        {'a': 2, 'b': 1, 'c': 2}
    """
    sign = -1.0 if direction == "lower" else 1.0
    pairs = list(itertools.combinations(values, 2))
    p_values = [_two_sided(values[a], values[b]) if _welch(values[a], values[b]) < ALPHA else 1.0 for a, b in pairs]
    better_than = dict.fromkeys(values, 0)
    for (a, b), p in zip(pairs, holm([1.0 if math.isnan(p) else p for p in p_values]), strict=True):
        if p < ALPHA:
            better_than[b if sign * _difference(values[a], values[b]) > 0 else a] += 1
    return {name: 1 + n for name, n in better_than.items()}


def welch_interval(first: Values, second: Values) -> Interval:
    """Return Welch's t interval of mean(first) − mean(second); NaN with fewer than two runs or without any spread.

    x̄ − ȳ ± t_ν √(s_x²/n + s_y²/m), ν = (s_x²/n + s_y²/m)² / ((s_x²/n)²/(n − 1) + (s_y²/m)²/(m − 1)).

    Source: Welch 1947, Biometrika 34, 28.
    """
    from scipy import stats

    if min(len(first), len(second)) < 2 or not np.isfinite([*first, *second]).all():
        return Interval(math.nan, math.nan, LEVEL, "Welch t", "two runs a side are needed")
    first, second, unit = _in_units(first, second)
    error, freedom = _standard_error(first, second)
    if error == 0:
        return Interval(math.nan, math.nan, LEVEL, "Welch t", "no run differs from the others of its side")
    middle, half = float(first.mean() - second.mean()), error * float(stats.t.ppf((1 + LEVEL) / 2, freedom))
    return Interval((middle - half) * unit, (middle + half) * unit, LEVEL, "Welch t")


def _in_units(first: Values, second: Values) -> tuple[Values, Values, float]:
    """Return both sides over one power of two, so that squares of the largest floats are floats, and that power."""
    unit = unit_of([*first, *second])
    return first / unit, second / unit, unit


def _difference(first: Values, second: Values) -> float:
    """Return mean(first) − mean(second); infinite only where no float is as large."""
    first, second, unit = _in_units(first, second)
    return float(first.mean() - second.mean()) * unit


def _standard_error(first: Values, second: Values) -> tuple[float, float]:
    """Return the standard error of the difference, and its degrees of freedom; 0 and ∞ where neither side varies."""
    a, b = float(first.var(ddof=1)) / len(first), float(second.var(ddof=1)) / len(second)
    if a + b == 0:
        return 0.0, math.inf
    return math.sqrt(a + b), (a + b) ** 2 / (a * a / (len(first) - 1) + b * b / (len(second) - 1))


def _two_sided(first: Values, second: Values) -> float:
    """Return twice the one-sided p in the observed direction, at most 1."""
    first, second, _ = _in_units(first, second)
    if np.mean(first) < np.mean(second):
        first, second = second, first
    return min(1.0, 2.0 * permutation_test(first, second).p)


def _welch(first: Values, second: Values) -> float:
    """Return Welch's two-sided p; 0 where both sides are constant and differ or a side is too short, 1 if equal."""
    from scipy import stats

    first, second, _ = _in_units(first, second)
    difference = abs(float(first.mean() - second.mean()))
    if min(len(first), len(second)) < 2:
        return 0.0
    error, freedom = _standard_error(first, second)
    if error == 0:
        return 0.0 if difference > 0 else 1.0
    return 2 * float(stats.t.sf(difference / error, freedom))
