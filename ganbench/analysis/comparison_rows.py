"""What goes into a comparison and what comes out of it: the two sides of one metric, and the row about them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from ganbench.analysis.statistics import Values
from ganbench.core.column import Direction


class Outcome(StrEnum):
    """What a comparison of one metric says, the gravest first.

    Attributes:
        WORSE: shown to be worse, or newly diverged runs.
        MISSING: a trial, a metric or a value that should be there is not.
        UNDERPOWERED: so few runs that no result of theirs could have been called worse.
        BETTER: shown to be better.
        UNDECIDED: neither shown to be worse nor to be as good; `Row.bound` is the largest loss that is not ruled out.
        EQUIVALENT: a loss as large as the margin is ruled out.
        IDENTICAL: equal to the last bit.
    """

    WORSE = "worse"
    MISSING = "missing"
    UNDERPOWERED = "underpowered"
    BETTER = "better"
    UNDECIDED = "undecided"
    EQUIVALENT = "equivalent"
    IDENTICAL = "identical"


@dataclass(frozen=True)
class Arms:
    """One metric of one trial on both sides.

    Attributes:
        trial, name: the trial's identifier now (the baseline's where it is missing now) and its axes in one line.
        baseline, now: `[n]` and `[m]` scores, a run without a value as the worst; all finite.
        low, high: the least and the greatest value that a run can have; infinite where that is not known.
        missing: why there is nothing to test, empty where there is.
        note: what else has to be said of the values, such as runs without one on both sides.
        identical: equal to the last bit.
        known: some run of either side has a value; else all scores are equal.
        paired: runs at the same place of both sides share their seed.
        counted: any rise above the tolerance is worse, without a test: the share of runs that diverged.
        planned: how many runs there will be now, where more are to come; 0 where there are all.
    """

    trial: str
    name: str
    metric: str
    unit: str = "1"
    direction: Direction = ""
    baseline: Values = field(default_factory=lambda: np.empty(0))
    now: Values = field(default_factory=lambda: np.empty(0))
    low: float = -math.inf
    high: float = math.inf
    missing: str = ""
    note: str = ""
    identical: bool = False
    known: bool = True
    paired: bool = False
    counted: bool = False
    planned: int = 0

    @property
    def tested(self) -> bool:
        """Return whether there is something to test."""
        return not self.missing and not self.identical

    @property
    def goodness(self) -> tuple[Values, Values]:
        """Return both sides so that higher is better."""
        sign = -1.0 if self.direction == "lower" else 1.0
        return sign * self.baseline, sign * self.now

    @property
    def ends(self) -> tuple[float, float]:
        """Return the worst and the best that a run can have, as goodness."""
        return (-self.high, -self.low) if self.direction == "lower" else (self.low, self.high)


@dataclass(frozen=True)
class Row:
    """What became of one metric of one trial; numbers are NaN where undefined.

    Attributes:
        n_baseline, n_now: runs that were averaged. baseline, now: their means; NaN where no run of either side has a
            value. difference: now − baseline.
        tolerance: differences up to it do not count. margin: the loss that `equivalent` has to rule out; NaN where
            nothing.
        effect: Hedges' g, positive where now is better; ±∞ where both sides are constant and differ.
            improvement: P(a run now is better than a baseline run).
        p_single: of the test for "worse" by itself. p_worse, p_better: adjusted over the comparison.
        p_margin: of "the loss is the margin or more", not adjusted.
        test: how it was tested: "in pairs", "independent", or "independent, shared seeds" where there are too few
            pairs to reach alpha. smallest: the smallest p that these values could have had.
        bound: no loss above it is plausible at level 1 − alpha, in the metric's unit; NaN where no range is known.
        reason: the outcome in words.
    """

    trial: str
    name: str
    metric: str
    unit: str
    direction: Direction
    outcome: Outcome
    reason: str
    identical: bool = False
    n_baseline: int = 0
    n_now: int = 0
    baseline: float = math.nan
    now: float = math.nan
    difference: float = math.nan
    tolerance: float = math.nan
    margin: float = math.nan
    effect: float = math.nan
    improvement: float = math.nan
    p_single: float = math.nan
    p_worse: float = math.nan
    p_better: float = math.nan
    p_margin: float = math.nan
    test: str = ""
    smallest: float = math.nan
    bound: float = math.nan
