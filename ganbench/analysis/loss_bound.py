"""The largest loss that a few runs do not rule out, for metrics with a known range.

Nothing is assumed of the distribution: seeds are skewed, tied, and fail rarely, and a sample without spread says only
how often other runs may fail. Evidence against a pair of means is the winnings of bets that would not pay on average if
the means were true (Waudby-Smith & Ramdas 2023); where all runs are equal the bound is near Clopper and Pearson's.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from ganbench.analysis.statistics import Values

STEPS = 1000  # of the range: means are looked at on this grid, and rounded to the unfavourable side
# Shares of what may be staked on each side, (baseline, now), and the weight of each such bettor. Most of it is on those
# who stake all: on the runs now alone, which pays best where all are good, and on both sides, where they agree.
_CAREFUL = (0.1, 0.3, 0.6, 0.9)
BETS = (
    (0.0, 1.0, 0.45),
    (1.0, 1.0, 0.3),
    *((stake, stake, 0.15 / len(_CAREFUL)) for stake in _CAREFUL),
    *((0.0, stake, 0.1 / len(_CAREFUL)) for stake in _CAREFUL),
)


def evidence(baseline: ArrayLike, now: ArrayLike, loss: float, low: float, high: float) -> float:
    """Return the evidence e against "mean(baseline) − mean(now) ≥ loss"; P(e ≥ 1/α) ≤ α where that is true.

    For values of [0, 1], e = min over means b − c = loss of Σ_k w_k Π_i (1 − λ_k + λ_k (1 − x_i)/(1 − b)) Π_j (1 − μ_k
    + μ_k y_j/c): each factor is 1 on average where the means are b and c, and less where b is larger or c smaller.

    Args:
        baseline: `[n]` values, higher is better, each in [low, high].
        now: `[m]` values likewise.
        loss: in the values' unit.
        low: the least value that a run can have.
        high: the greatest.

    Raises:
        ValueError: a side without runs, or a value outside the range.

    Source: Waudby-Smith & Ramdas 2023, Journal of the Royal Statistical Society B 86(1), section 4; products of two
    independent e-values: Vovk & Wang 2021, Annals of Statistics 49(3), 1736.
    """
    (first, second), span = _within(baseline, now, low, high)
    return _Bets(first, second).against(math.floor(STEPS * loss / span))


def largest_loss(baseline: ArrayLike, now: ArrayLike, low: float, high: float, alpha: float) -> float:
    """Return the upper confidence bound of mean(baseline) − mean(now) at level 1 − α: no greater loss is plausible.

    It may be negative, which shows a gain.

    Args:
        baseline: `[n]` values, higher is better, each in [low, high].
        now: `[m]` values likewise.
        low: the least value that a run can have.
        high: the greatest.
        alpha: in (0, 1).

    Raises:
        ValueError: a side without runs, or a value outside the range.

    Example:
        Eight runs a side, all of them perfect: nearly half of all runs now may fail yet.

        >>> largest_loss([1.0] * 8, [1.0] * 8, 0.0, 1.0, 0.01)
        0.489
    """
    (first, second), span = _within(baseline, now, low, high)
    bets = _Bets(first, second)
    below, above = -STEPS, STEPS  # in steps of the grid; what is refuted at one loss is so at every greater one
    if bets.against(below) >= 1 / alpha:
        return below * span / STEPS
    while above - below > 1:
        middle = (below + above) // 2
        below, above = (below, middle) if bets.against(middle) >= 1 / alpha else (middle, above)
    return above * span / STEPS


class _Bets:
    """The winnings of all bettors at every mean of the grid, one table of logarithms for each side."""

    def __init__(self, first: Values, second: Values) -> None:
        means = np.arange(STEPS + 1) / STEPS
        self.baseline = np.stack([_winnings(1 - first, 1 - means, stake) for stake, _, _ in BETS])
        self.now = np.stack([_winnings(second, means, stake) for _, stake, _ in BETS])
        self.weights = np.log([weight for _, _, weight in BETS])[:, None]

    def against(self, loss: int) -> float:
        """Return the evidence against a loss of so many steps.

        Winnings rise with the baseline's mean and fall with the other's, so that between two points of the grid the
        lower one of the first and the upper one of the second are a lower limit.
        """
        if loss > STEPS:
            return math.inf  # more than the range
        b = np.arange(max(0, loss), min(STEPS, STEPS + loss) + 1)
        with np.errstate(invalid="ignore"):
            logs = self.weights + self.baseline[:, b] + self.now[:, np.minimum(b - loss + 1, STEPS)]
        logs = np.where(np.isnan(logs), -np.inf, logs)  # 0 · ∞: one side refutes the means, the other bet lost all
        top = logs.max(axis=0)
        finite = np.where(np.isfinite(top), top, 0.0)
        with np.errstate(divide="ignore", over="ignore"):
            total = np.where(top == np.inf, np.inf, np.exp(finite) * np.exp(logs - finite).sum(axis=0))
        return float(total.min())


def _winnings(values: Values, means: Values, stake: float) -> Values:
    """Return Σ log(1 − s + s x_i/m) for every mean, `[n], [k] → [k]`; a mean of 0 is refuted by any greater value."""
    if stake == 0:
        return np.zeros(len(means))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(values[:, None] > 0, values[:, None] / means, 0.0)
        logs = np.log(1 - stake + stake * ratio)
    lost = np.isneginf(logs).any(axis=0)  # a bettor who lost everything wins nothing back
    return np.where(lost, -np.inf, np.where(lost, 0.0, logs).sum(axis=0))


def _within(baseline: ArrayLike, now: ArrayLike, low: float, high: float) -> tuple[tuple[Values, Values], float]:
    span = high - low
    sides = [np.asarray(side, dtype=np.float64).reshape(-1) for side in (baseline, now)]
    for side in sides:
        if not len(side) or not (span > 0 and (side >= low).all() and (side <= high).all()):
            raise ValueError(f"a bound takes runs with values from {low} to {high}")
    first, second = (np.clip((side - low) / span, 0.0, 1.0) for side in sides)
    return (first, second), span
