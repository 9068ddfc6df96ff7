"""Whether a run is worse than its baseline: trial by trial and metric by metric, with a stated chance to be wrong.

Nothing here passes by default: a metric that is missing or not a number now is `missing`, a test that could never have
said "worse" is `underpowered`, and only equal bits need no test.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np

from ganbench.analysis.comparison_rules import Limit, Rules
from ganbench.analysis.permutation import PermutationTest, permutation_test
from ganbench.analysis.statistics import Values, hedges_g, holm, mean, probability_above, scored, upper_bound, worst
from ganbench.core.column import Direction

SCREENING_DRAWS = 999
SCREENED_BELOW = 0.1
DRAWS = 99_999


class Outcome(StrEnum):
    """What a comparison of one metric says."""

    WORSE = "worse"
    MISSING = "missing"
    UNDERPOWERED = "underpowered"
    BETTER = "better"
    SAME = "same"


@dataclass(frozen=True)
class Arms:
    """One metric of one trial on both sides.

    Attributes:
        trial, name: the trial's identifier now (the baseline's where it is missing now) and its axes in one line.
        baseline, now: `[n]` and `[m]` scores, a diverged run as the worst of both sides; all finite.
        missing: why there is nothing to test, empty where there is.
        identical: equal to the last bit. known: some run of either side has a value; else all scores are equal.
    """

    trial: str
    name: str
    metric: str
    unit: str = "1"
    direction: Direction = ""
    baseline: Values = field(default_factory=lambda: np.empty(0))
    now: Values = field(default_factory=lambda: np.empty(0))
    missing: str = ""
    identical: bool = False
    known: bool = True

    @property
    def tested(self) -> bool:
        """Return whether there is something to test."""
        return not self.missing and not self.identical


@dataclass(frozen=True)
class Row:
    """What became of one metric of one trial; numbers are NaN where undefined.

    Attributes:
        n_baseline, n_now: runs that were averaged. baseline, now: their means; NaN where no run of either side has a
            value. difference: now − baseline.
        tolerance: differences up to it do not count. margin: what "same" had to rule out; NaN where nothing.
        effect: Hedges' g, positive where now is better. improvement: P(a run now is better than a baseline run).
        p_single: of the test for "worse" by itself. p_worse, p_better: Holm-adjusted over the comparison.
        p_margin: of the non-inferiority test, not adjusted.
        smallest: the smallest p of a test with so many runs; bound: the loss is smaller than this at level 1 − alpha
            (Welch), in the metric's unit.
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
    smallest: float = math.nan
    bound: float = math.nan


def scores(
    baseline: Sequence[float] | Values, now: Sequence[float] | Values, direction: Direction
) -> tuple[Values, Values]:
    """Return both sides with every value that is not finite as the worst of all of them (`statistics.worst`).

    The worst is taken over both sides together, so that runs stay exchangeable where the sides do not differ. Where no
    run has a value, all count the same.
    """
    both = np.concatenate([np.asarray(baseline, dtype=np.float64), np.asarray(now, dtype=np.float64)])
    fill = worst(both, direction)
    filled = scored(both, 0.0 if math.isnan(fill) else fill)
    return filled[: len(baseline)], filled[len(baseline) :]


def compare(arms: Sequence[Arms], rules: Rules, settled: Sequence[float] = ()) -> list[Row]:
    """Return a row for each of these arms, in their order; `settled` are p values that Holm counts beside theirs.

    Worse: the exact one-sided permutation test of the means, Holm-adjusted over all tests here, is below alpha, and
    the loss is above the tolerance; better likewise, as a family of its own. Underpowered: even the clearest
    difference between so many runs could not have been called worse beside so many other tests; or, where a margin is
    given, the loss is not shown to be below it (non-inferiority: the same test with the margin added to every run now;
    each at alpha, because all of them have to succeed). Else it is the same.
    """
    tested = [arm for arm in arms if arm.tested]
    tests = len(tested) + len(settled)
    draws = max(DRAWS, math.ceil(2 * tests / rules.alpha))
    goods = [_goodness(arm) for arm in tested]
    down = [_test(base, now, rules.alpha, draws) for base, now in goods]
    up = [_test(now, base, rules.alpha, draws) for base, now in goods]
    adjusted, gains = (holm([*(t.p for t in side), *settled])[: len(tested)] for side in (down, up))
    worse = dict(zip(map(id, tested), zip(down, adjusted, strict=True), strict=True))
    better = dict(zip(map(id, tested), gains, strict=True))
    rows = []
    for arm in arms:
        if arm.tested:
            test, p_worse = worse[id(arm)]
            rows.append(_judged(arm, test, p_worse, better[id(arm)], tests, draws, rules))
        else:
            rows.append(_untested(arm))
    return rows


def _untested(arm: Arms) -> Row:
    if arm.missing:
        return Row(arm.trial, arm.name, arm.metric, arm.unit, arm.direction, Outcome.MISSING, arm.missing)
    row = _described(arm, Limit(), None)
    return replace(row, outcome=Outcome.SAME, reason="equal to the last bit", identical=True, tolerance=0.0)


def _judged(
    arm: Arms, test: PermutationTest, p_worse: float, p_better: float, tests: int, draws: int, rules: Rules
) -> Row:
    base, now = _goodness(arm)
    loss = mean(base) - mean(now)
    row = _described(arm, rules.tolerance(arm.metric), rules.margin(arm.metric))
    smallest = max(1 / test.relabelings, 1 / (1 + draws) if test.method.startswith("drawn") else 0.0)
    row = replace(
        row,
        p_single=test.p,
        p_worse=p_worse,
        p_better=p_better,
        smallest=smallest,
        bound=upper_bound(base, now, 1 - rules.alpha),
        p_margin=_test(now + row.margin, base, rules.alpha, draws).p if rules.margin(arm.metric) else math.nan,
    )
    outcome, reason = _outcome(row, loss, smallest * tests < rules.alpha, tests, rules.alpha)
    if outcome in (Outcome.SAME, Outcome.BETTER) and min(len(base), len(now)) < rules.least(arm.metric):
        outcome = Outcome.UNDERPOWERED
        reason = f"{row.n_baseline} and {row.n_now} runs, {rules.least(arm.metric)} are asked for"
    return replace(row, outcome=outcome, reason=reason)


def _outcome(row: Row, loss: float, reachable: bool, tests: int, alpha: float) -> tuple[Outcome, str]:
    if row.p_worse < alpha and loss > row.tolerance:
        return Outcome.WORSE, f"p {row.p_worse:.2g} after Holm, P(better) {row.improvement:.2f}"
    if row.p_better < alpha and -loss > row.tolerance:
        return Outcome.BETTER, f"p {row.p_better:.2g} after Holm, P(better) {row.improvement:.2f}"
    if not reachable:
        runs = f"{row.n_baseline} and {row.n_now} runs"
        return (
            Outcome.UNDERPOWERED,
            f"{runs} reach p {row.smallest:.2g} at best, {tests} tests need {alpha / tests:.2g}",
        )
    if row.p_margin >= alpha:  # False without a margin
        return Outcome.UNDERPOWERED, f"a loss of {row.margin:.3g} is not ruled out (p {row.p_margin:.2g}); add seeds"
    if row.p_worse < alpha:
        return Outcome.SAME, f"a loss within the tolerance of {row.tolerance:.3g}"
    if not math.isnan(row.p_margin):
        return Outcome.SAME, f"a loss of {row.margin:.3g} is ruled out (p {row.p_margin:.2g})"
    if math.isnan(row.bound):
        return Outcome.SAME, "no difference found"
    return Outcome.SAME, f"no difference found; a loss above {max(row.bound, 0.0):.3g} is unlikely ({1 - alpha:.0%})"


def _described(arm: Arms, tolerance: Limit, margin: Limit | None) -> Row:
    base, now = _goodness(arm)
    middle = mean(arm.baseline)
    return Row(
        trial=arm.trial,
        name=arm.name,
        metric=arm.metric,
        unit=arm.unit,
        direction=arm.direction,
        outcome=Outcome.SAME,
        reason="",
        n_baseline=len(base),
        n_now=len(now),
        baseline=middle if arm.known else math.nan,
        now=mean(arm.now) if arm.known else math.nan,
        difference=mean(arm.now) - middle if arm.known else math.nan,
        tolerance=tolerance.at(middle),
        margin=margin.at(middle) if margin else math.nan,
        effect=hedges_g(now, base),
        improvement=probability_above(now, base),
    )


def _goodness(arm: Arms) -> tuple[Values, Values]:
    """Return both sides so that higher is better."""
    sign = -1.0 if arm.direction == "lower" else 1.0
    return sign * arm.baseline, sign * arm.now


def _test(first: Values, second: Values, alpha: float, draws: int) -> PermutationTest:
    """Return the test of mean(first) > mean(second); where it is drawn, all draws are spent on small p alone.

    Where the few draws of the screening say p ≥ 0.1, that p stands: it is valid, and above alpha. Else a fresh test
    says p. A p below alpha so comes from all draws, and is as rare as it says. (An alpha above 0.1 is not screened.)
    """
    few = permutation_test(first, second, draws=SCREENING_DRAWS, seed=1)
    if not few.method.startswith("drawn") or (few.p >= SCREENED_BELOW and alpha < SCREENED_BELOW):
        return few
    return permutation_test(first, second, draws=draws, seed=0)
