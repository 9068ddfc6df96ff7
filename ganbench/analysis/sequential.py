"""More seeds only where they may still change the answer: a group-sequential comparison with stated error rates.

The baseline is there; new seeds come in a few groups. After each group a trial is called worse where the evidence is
strong enough for so early a look, let go where the rest of the seeds is unlikely to change anything, or goes on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ganbench.analysis.comparison import compare
from ganbench.analysis.comparison_rows import Arms, Outcome, Row
from ganbench.analysis.comparison_rules import Rules

SHARES = (5 / 16, 1 / 2, 3 / 4, 1.0)  # of the seeds at each look; five is the least that can reject at 0.01
EARLY = 0.1  # of alpha, at each look but the last
HOPELESS = 0.1  # conditional power below which a trial is let go


@dataclass(frozen=True)
class Look:
    """One look at the data.

    Attributes:
        seeds: how many new seeds there are by then.
        information: t = (1/b + 1/N) / (1/b + 1/n) in (0, 1], for b baseline runs, n seeds now and N at the end: the
            inverse variance of the difference of the means, as a share of the last look's.
        alpha: what this look may spend; all looks together spend the whole.
    """

    seeds: int
    information: float
    alpha: float


@dataclass(frozen=True)
class Sequential:
    """What a sequential comparison came to.

    Attributes:
        rows: one row per trial and metric. seeds: trial → how many new seeds it took.
    """

    rows: tuple[Row, ...]
    seeds: dict[str, int]


def looks(baseline: int, seeds: int, alpha: float) -> tuple[Look, ...]:
    """Return the looks of a comparison with so many baseline runs and at most so many new seeds.

    Every look before the last may spend a tenth of alpha, the last one the rest (Haybittle and Peto). The chance of a
    false rejection at any look is at most their sum, alpha, however the looks depend on each other (Boole), because
    each look's permutation test is exact by itself.

    Raises:
        ValueError: no runs, or an alpha outside (0, 1).

    Source: Haybittle 1971, British Journal of Radiology 44; Peto et al. 1976, British Journal of Cancer 34.
    """
    if baseline < 1 or seeds < 1 or not 0 < alpha < 1:
        raise ValueError(f"no looks at {seeds} seeds against {baseline} at alpha {alpha}")
    counts = sorted({min(seeds, max(1, math.ceil(share * seeds))) for share in SHARES})
    early = EARLY * alpha
    levels = [early] * (len(counts) - 1) + [alpha - early * (len(counts) - 1)]
    whole = 1 / baseline + 1 / seeds
    return tuple(Look(n, whole / (1 / baseline + 1 / n), level) for n, level in zip(counts, levels, strict=True))


def conditional_power(p: float, information: float, critical: float) -> float:
    """Return the chance to end below the critical p if the difference goes on as it is: Φ((z/√t − z_c) / √(1−t)).

    z = Φ⁻¹(1−p) and z_c likewise; in [0, 1], at t = 1 a plain yes or no.

    Source: Lan & Wittes 1988, Biometrics 44(2), 579 (B-value B = z√t, its drift taken from the trend so far).
    """
    from scipy.special import ndtr, ndtri

    z, bar = -float(ndtri(min(max(p, 1e-300), 1 - 1e-12))), -float(ndtri(critical))
    if information >= 1:
        return float(z > bar)
    return float(ndtr((z / math.sqrt(information) - bar) / math.sqrt(1 - information)))


def compare_sequentially(
    trials: Sequence[str],
    draw: Callable[[Sequence[str], Look], Sequence[Arms]],
    schedule: Sequence[Look],
    rules: Rules,
) -> Sequential:
    """Compare trials look by look; each goes on only while one of its metrics is undecided.

    Over all trials and looks together a false "worse" has at most the chance alpha: each look is a Holm procedure at
    the look's own share of alpha over *all* tests, in which those that were let go count as p = 1 (never smaller than
    the p they would have had) and those that were rejected as p = 0 (had one been true, the error would have happened
    before). Letting go costs power, never alpha.

    Args:
        trials: their identifiers.
        draw: returns the arms of the trials named, with as many new seeds as the look says; it may train them.
        schedule: from `looks`.
        rules: limits, and the alpha that the schedule was made with.
    """
    active, settled, kept = list(trials), list[float](), dict[str, list[Row]]()
    seeds: dict[str, int] = {}
    for look in schedule:
        final = look is schedule[-1]
        arms = [replace(arm, planned=schedule[-1].seeds) for arm in draw(active, look)]
        rows = compare(arms, replace(rules, alpha=look.alpha), settled)
        tests = len(settled) + sum(arm.tested for arm in arms)
        pending = []
        for trial in active:
            seeds[trial] = look.seeds
            mine = [row for row in rows if row.trial == trial]
            if not final and _may_change(mine, look, schedule[-1], tests):
                pending.append(trial)
                continue
            kept[trial] = mine if final else [_let_go(row, look, schedule[-1], tests) for row in mine]
            settled += [
                0.0 if row.outcome == Outcome.WORSE and row.p_worse < look.alpha else 1.0
                for row in mine
                if row.outcome != Outcome.MISSING and not row.identical
            ]
        active = pending
        if not active:
            break
    return Sequential(tuple(row for trial in trials for row in kept.get(trial, [])), seeds)


def _may_change(rows: Sequence[Row], look: Look, last: Look, tests: int) -> bool:
    """Return whether more seeds may change a trial's outcome; one that is worse or missing has failed already."""
    if any(row.outcome in (Outcome.WORSE, Outcome.MISSING) for row in rows):
        return False
    return any(not row.identical and _open(row, look, last, tests) for row in rows)


def _open(row: Row, look: Look, last: Look, tests: int) -> bool:
    if not math.isnan(row.margin) and row.outcome != Outcome.EQUIVALENT:
        return True  # what is asked for is a proof, and it is not there yet
    if row.metric == "diverged" and row.difference > row.tolerance:
        return True  # the seeds to come decide whether a greater share of all runs diverges
    return conditional_power(row.p_single, look.information, last.alpha / tests) >= HOPELESS


def _let_go(row: Row, look: Look, last: Look, tests: int) -> Row:
    """Return a row as it stands after an early end: too few seeds at this look may have been enough at the last."""
    if row.outcome != Outcome.UNDERPOWERED or not math.isnan(row.margin):
        return row
    if tests / math.comb(row.n_baseline + last.seeds, last.seeds) >= last.alpha:
        return row
    bound = "" if math.isnan(row.bound) else f"; a loss of up to {max(row.bound, 0.0):.3g} is not ruled out"
    reason = f"no difference found in {look.seeds} seeds; all {last.seeds} are unlikely to find one{bound}"
    return replace(row, outcome=Outcome.UNDECIDED, reason=reason)
