"""Which remedy makes a failing trial healthy: seeds in stages, hopeless remedies stopped early, an exact test at last.

A trial that fails (the base) and its remedies are trained on the same seeds. What counts of a run is whether its
verdict is *healthy*.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from ganbench.analysis.multiplicity import holm

AIM = 0.9  # the share of seeds that a cure keeps healthy
ALPHA = 0.05  # chance that any remedy of a trial is called better than the base although it is not
STOPPED = 0.05  # chance at most that a remedy which keeps AIM of all seeds healthy is stopped early
SHARES = (1 / 4, 1 / 2, 1.0)  # of the seeds at each stage: 4, 8, 16
ROUNDING = 1e-9  # none healthy of 2 has the chance 0.01 exactly
SPENT = (0.2, 0.8)  # of STOPPED, at each stage but the last


class Stage(NamedTuple):
    """How many seeds there are by the end of a stage, and the level at which a remedy is stopped; 0 at the last."""

    seeds: int
    level: float


class Outcome(StrEnum):
    """The judgement of a remedy, the best first."""

    CURES = "cures it"
    HELPS = "helps"
    UNSHOWN = "is not shown to help"
    STOPPED = "does not cure it"
    MISSING = "has no result"


class Judged(NamedTuple):
    """A remedy with its outcome and the numbers behind it.

    Attributes:
        healthy, seeds: how many of its seeds were healthy. base: how many of the base's, on the same seeds.
        p: exact, one-sided; NaN where it was stopped before the last stage. p_holm: adjusted over all remedies.
    """

    outcome: Outcome
    healthy: int
    seeds: int
    base: int
    p: float
    p_holm: float


def stages(seeds: int) -> tuple[Stage, ...]:
    """Return the stages of at most so many seeds.

    Example:
        >>> [stage.seeds for stage in stages(16)]
        [4, 8, 16]
    """
    if seeds < 1:
        raise ValueError(f"no stages of {seeds} seeds")
    counts = [math.ceil(share * seeds) for share in SHARES]
    levels = [share * STOPPED for share in SPENT]
    early = [Stage(n, level) for n, level in zip(counts, levels, strict=False) if n < seeds]
    kept = {stage.seeds: stage for stage in early}  # of equal counts the later one
    return (*kept.values(), Stage(seeds, 0.0))


def least_seeds(remedies: int) -> int:
    """Return the fewest seeds that can show a cure among so many remedies: Holm's first p is `remedies` · ½ⁿ at least.

    Example:
        >>> least_seeds(14)
        9
    """
    return next(n for n in range(1, 1024) if remedies * 0.5**n < ALPHA)


def mcnemar(base: Sequence[bool], arm: Sequence[bool]) -> float:
    """Return the exact one-sided p of "the remedy makes seeds healthy": P(B ≥ b), B ~ Binomial(b + c, ½).

    b seeds are healthy with the remedy alone and c without it alone; the others say nothing. If the remedy changes
    nothing, or for the worse, p < α has at most the chance α.

    Raises:
        ValueError: different numbers of seeds.

    Source: McNemar 1947, Psychometrika 12(2), 153; exact: Dixon & Mood 1946, the sign test.

    Example:
        >>> mcnemar([False, False, False, True], [True, True, True, True])
        0.125
    """
    from scipy.stats import binomtest

    pairs = list(zip(base, arm, strict=True))
    gained, lost = sum(a and not b for b, a in pairs), sum(b and not a for b, a in pairs)
    return float(binomtest(gained, gained + lost, 0.5, alternative="greater").pvalue) if gained + lost else 1.0


def is_hopeless(healthy: int, seeds: int, level: float) -> bool:
    """Return whether so few healthy seeds refute a share of `AIM`: P(H ≤ healthy) ≤ level, H ~ Binomial(seeds, AIM).

    Clopper & Pearson 1934, Biometrika 26(4), 404: the exact one-sided test.

    Example:
        >>> is_hopeless(1, 4, 0.01), is_hopeless(2, 4, 0.01)
        (True, False)
    """
    from scipy.stats import binom

    return level > 0 and float(binom.cdf(healthy, seeds, AIM)) <= level * (1 + ROUNDING)


def going_on(base: Sequence[bool], arms: Mapping[str, Sequence[bool]], stage: Stage) -> list[str]:
    """Return the remedies that get more seeds after a stage.

    Stopped are those whose seeds refute that they keep `AIM` healthy, by an exact binomial test at the stage's level.
    The levels add up to `STOPPED`, so one that does keep it is stopped with at most that chance (Boole). The best one
    goes on in any case where it is ahead of the base, so that an answer is never "none" for want of seeds.
    """
    counts = {name: sum(values) for name, values in arms.items()}
    kept = [name for name, values in arms.items() if not is_hopeless(counts[name], len(values), stage.level)]
    best = max(counts, key=lambda name: counts[name], default=None)
    if not kept and best is not None and counts[best] > sum(base):
        return [best]
    return kept


def judge(base: Sequence[bool], arms: Mapping[str, Sequence[bool]], seeds: int) -> dict[str, Judged]:
    """Return what each remedy came to.

    Those with all seeds are tested against the base, with Holm's adjustment over *all* remedies: one that was stopped
    counts as p = 1, which is never less than the p that it would have had, so stopping takes power and never adds
    error. A remedy *cures* where p < `ALPHA` and `AIM` of its seeds are healthy, *helps* where p alone holds.

    Args:
        base: whether each seed of the base was healthy.
        arms: remedy → the same, of its first seeds; empty where it has no result.
        seeds: of the last stage.
    """
    tested = {name: len(values) == seeds for name, values in arms.items()}
    p = {name: mcnemar(base, values) if tested[name] else math.nan for name, values in arms.items()}
    adjusted = dict(zip(arms, holm([1.0 if math.isnan(one) else one for one in p.values()]), strict=True))
    judged = {}
    for name, values in arms.items():
        healthy = sum(values)
        if not values:
            outcome = Outcome.MISSING
        elif not tested[name]:
            outcome = Outcome.STOPPED
        elif adjusted[name] >= ALPHA:
            outcome = Outcome.UNSHOWN
        else:
            outcome = Outcome.CURES if healthy >= AIM * seeds else Outcome.HELPS
        judged[name] = Judged(outcome, healthy, len(values), sum(base[: len(values)]), p[name], adjusted[name])
    return judged
