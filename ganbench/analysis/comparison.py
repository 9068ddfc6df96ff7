"""Whether a run is worse than its baseline: trial by trial and metric by metric, with a stated chance to be wrong.

Nothing here is called as good without proof: a metric that is missing or not a number now is `missing`, so few runs
that no result of theirs could have been called worse are `underpowered`, and what is neither shown to be worse nor to
lose less than a margin is `undecided`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ganbench.analysis.comparison_rows import Arms, Outcome, Row
from ganbench.analysis.comparison_rules import Limit, Rules
from ganbench.analysis.loss_bound import evidence, largest_loss
from ganbench.analysis.multiplicity import adjusted
from ganbench.analysis.permutation import PermutationTest, paired_test, permutation_test
from ganbench.analysis.statistics import Values, hedges_g, mean, probability_above, scored, worst
from ganbench.core.column import Direction

SCREENING_DRAWS = 999
SCREENED_BELOW = 0.1
DRAWS = 99_999
SHARED = "independent, shared seeds"
PASSING = (Outcome.BETTER, Outcome.UNDECIDED, Outcome.EQUIVALENT)  # what a least number of seeds may still refuse


@dataclass(frozen=True)
class _Tests:
    """Both one-sided tests of some arms, and what they count among.

    Attributes:
        paired: whether runs were tested in pairs.
        floor: the smallest p that so many runs can reach, whatever their values.
        p_worse, p_better: adjusted. count: Tarone's K of the tests for "worse".
    """

    paired: bool
    floor: float
    down: PermutationTest
    up: PermutationTest
    p_worse: float
    p_better: float
    count: int


def scores(
    baseline: Sequence[float] | Values, now: Sequence[float] | Values, direction: Direction, end: float = math.nan
) -> tuple[Values, Values]:
    """Return both sides with every value that is not finite as the worst.

    That is `end`, the worst that a run can have, where it is known; else the worst of both sides together
    (`statistics.worst`), so that runs stay exchangeable where the sides do not differ. Where no run has a value, all
    count the same.
    """
    both = np.concatenate([np.asarray(baseline, dtype=np.float64), np.asarray(now, dtype=np.float64)])
    fill = end if math.isfinite(end) else worst(both, direction)
    filled = scored(both, 0.0 if math.isnan(fill) else fill)
    return filled[: len(baseline)], filled[len(baseline) :]


def compare(arms: Sequence[Arms], rules: Rules, settled: Sequence[float] = ()) -> list[Row]:
    """Return a row for each of these arms, in their order.

    The outcome of a row is the first of these that holds:

    - Worse: the test's p is below alpha and the loss is above the tolerance. The test is the one-sided permutation
      test of the means, in pairs where the sides share enough seeds. Its p is adjusted by Holm's method over all tests
      here that can reject. A share that is counted (`diverged`) needs no test: it is worse where it has risen.
    - Better: the same the other way. These tests are adjusted as a family of their own.
    - Equivalent: a loss as large as the margin is ruled out at alpha. There is no adjustment, because every metric
      has to pass.
    - Underpowered: so few runs, beside so many tests, that no result could have been called worse.
    - Undecided: all else.

    Args:
        arms: both sides of each metric of each trial.
        rules: limits and error rates.
        settled: p values of tests that were decided earlier (`sequential`); Holm's method counts them as well.
    """
    tested = [arm for arm in arms if arm.tested]
    tests = dict(zip(map(id, tested), _tests(tested, rules.alpha, settled), strict=True))
    return [_judged(arm, tests[id(arm)], rules) if arm.tested else _untested(arm) for arm in arms]


def _tests(arms: Sequence[Arms], alpha: float, settled: Sequence[float]) -> list[_Tests]:
    number = len(arms) + len(settled)
    draws = max(DRAWS, math.ceil(2 * number / alpha))
    pairs = [arm.paired and 0.5 ** len(arm.now) * number < alpha for arm in arms]
    sides = [arm.goodness for arm in arms]
    down = [_test(base, now, pair, alpha, draws) for (base, now), pair in zip(sides, pairs, strict=True)]
    up = [_test(now, base, pair, alpha, draws) for (base, now), pair in zip(sides, pairs, strict=True)]
    (p_down, count), (p_up, _) = (
        adjusted(
            [*(test.p for test in side), *settled], [*(test.smallest for test in side), *(0.0 for _ in settled)], alpha
        )
        for side in (down, up)
    )
    floors = [max(1 / test.relabelings, 1 / (1 + draws) if test.method.startswith("drawn") else 0.0) for test in down]
    columns = zip(pairs, floors, down, up, p_down[: len(arms)], p_up[: len(arms)], strict=True)
    return [_Tests(pair, floor, lower, upper, p, q, count) for pair, floor, lower, upper, p, q in columns]


def _test(first: Values, second: Values, pair: bool, alpha: float, draws: int) -> PermutationTest:
    """Return the test of mean(first) > mean(second); where it is drawn, all draws are spent on small p alone.

    Where the few draws of the screening say p ≥ 0.1, that p stands: it is valid, and above alpha. Else a fresh test
    says p. A p below alpha so comes from all draws, and is as rare as it says. (An alpha above 0.1 is not screened.)
    """
    test = paired_test if pair else permutation_test
    few = test(first, second, draws=SCREENING_DRAWS, seed=1)
    if not few.method.startswith("drawn"):
        return few
    if few.p >= SCREENED_BELOW and alpha < SCREENED_BELOW:
        # What it could have reached must not depend on how the screening went.
        return replace(few, smallest=max(1 / few.relabelings, 1 / (1 + draws)))
    return test(first, second, draws=draws, seed=0)


def _untested(arm: Arms) -> Row:
    if arm.missing:
        return Row(arm.trial, arm.name, arm.metric, arm.unit, arm.direction, Outcome.MISSING, arm.missing)
    reason = f"equal to the last bit{f'; {arm.note}' if arm.note else ''}"
    row = _described(arm, Limit(), None)
    return replace(row, outcome=Outcome.IDENTICAL, reason=reason, identical=True, tolerance=0.0)


def _judged(arm: Arms, tests: _Tests, rules: Rules) -> Row:
    base, now = arm.goodness
    row = _described(arm, rules.tolerance(arm.metric), rules.margin(arm.metric))
    row = replace(
        row,
        p_single=tests.down.p,
        p_worse=tests.p_worse,
        p_better=tests.p_better,
        test="in pairs" if tests.paired else SHARED if arm.paired else "independent",
        smallest=tests.down.smallest,
    )
    low, high = arm.ends
    if math.isfinite(low) and math.isfinite(high):
        row = replace(row, bound=largest_loss(base, now, low, high, rules.alpha))
        if not math.isnan(row.margin):
            row = replace(row, p_margin=min(1.0, 1 / max(evidence(base, now, row.margin, low, high), 1.0)))
    outcome, reason = _outcome(arm, row, tests, rules)
    if outcome in PASSING and min(len(base), len(now)) < rules.least(arm.metric):
        outcome = Outcome.UNDERPOWERED
        reason = f"{row.n_baseline} and {row.n_now} runs, {rules.least(arm.metric)} are asked for"
    return replace(row, outcome=outcome, reason=f"{reason}; {arm.note}" if arm.note else reason)


def _outcome(arm: Arms, row: Row, tests: _Tests, rules: Rules) -> tuple[Outcome, str]:
    base, now = arm.goodness
    loss, alpha = mean(base) - mean(now), rules.alpha
    pairs = " in pairs" if tests.paired else ""
    if arm.counted and _risen(arm) > row.tolerance:
        return Outcome.WORSE, _rise(arm, alpha)
    if row.p_worse < alpha and loss > row.tolerance:
        return Outcome.WORSE, f"p {row.p_worse:.2g}{pairs} after Holm, P(better) {row.improvement:.2f}"
    if row.p_better < alpha and -loss > row.tolerance:
        return Outcome.BETTER, f"p {row.p_better:.2g}{pairs} after Holm, P(better) {row.improvement:.2f}"
    if row.p_margin < alpha:  # False without a margin
        return Outcome.EQUIVALENT, f"a loss of {row.margin:.3g} is ruled out (p {row.p_margin:.2g})"
    if tests.floor * tests.count >= alpha:
        runs, others = f"{row.n_baseline} and {row.n_now} runs", f"{tests.count} test{'s' * (tests.count > 1)}"
        needed = f"{others} need{'s' * (tests.count == 1)} {alpha / tests.count:.2g}"
        return Outcome.UNDERPOWERED, f"{runs} reach p {tests.floor:.2g} at best, {needed}; add seeds"
    return Outcome.UNDECIDED, _undecided(arm, row, alpha)


def _undecided(arm: Arms, row: Row, alpha: float) -> str:
    """Return in words why a row is undecided: its p, and the largest loss that is not ruled out."""
    why = f"p {row.p_worse:.2g} after Holm" if row.p_worse < 1 else f"p {row.p_single:.2g} alone"
    if row.p_worse < alpha:
        why = f"a loss within the tolerance of {row.tolerance:.3g}"
    elif math.isclose(float(np.ptp(np.concatenate((arm.baseline, arm.now)))), 0.0):
        why = "nothing varies in these runs"
    if math.isnan(row.bound):
        return f"{why}; no loss is ruled out, because no worst value is known (--worst {arm.metric}=NUMBER sets one)"
    if math.isnan(row.margin):
        return f"{why}; a loss of up to {max(row.bound, 0.0):.3g} is not ruled out ({1 - alpha:.0%})"
    return (
        f"{why}; a loss of {row.margin:.3g} is not ruled out (p {row.p_margin:.2g}), up to {row.bound:.3g}; add seeds"
    )


def _risen(arm: Arms) -> float:
    """Return by how much the share has risen even if all runs that are still to be trained end well."""
    return float(arm.now.sum()) / max(len(arm.now), arm.planned) - mean(arm.baseline)


def _rise(arm: Arms, alpha: float) -> str:
    """Return in words how many runs diverged, and how many a test would need in order to reject."""
    n, m = len(arm.baseline), len(arm.now)
    counts = f"{arm.now.sum():.0f} of {m} runs, {arm.baseline.sum():.0f} of {n} in the baseline"
    needed = next(
        (k for k in range(m + 1) if permutation_test([1.0] * k + [0.0] * (m - k), arm.baseline).p < alpha), None
    )
    test = f"would need {needed} of {m}" if needed is not None else "could not see even all of them"
    return f"{counts}: any more count; a test at {alpha:g} by itself {test}"


def _described(arm: Arms, tolerance: Limit, margin: Limit | None) -> Row:
    base, now = arm.goodness
    before, after = mean(arm.baseline), mean(arm.now)
    effect = hedges_g(now, base)
    if math.isnan(effect) and min(len(base), len(now)) > 1 and before != after:
        effect = math.copysign(math.inf, mean(now) - mean(base))
    return Row(
        trial=arm.trial,
        name=arm.name,
        metric=arm.metric,
        unit=arm.unit,
        direction=arm.direction,
        outcome=Outcome.UNDECIDED,
        reason="",
        n_baseline=len(base),
        n_now=len(now),
        baseline=before if arm.known else math.nan,
        now=after if arm.known else math.nan,
        difference=after - before if arm.known else math.nan,
        tolerance=tolerance.at(before),
        margin=margin.at(before) if margin else math.nan,
        effect=effect,
        improvement=probability_above(now, base),
    )
