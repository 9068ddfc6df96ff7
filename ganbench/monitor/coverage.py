"""What is missing of the data: lost, or not there yet; only what was once held can be lost."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ganbench.analysis.verdict_rules import THRESHOLDS
from ganbench.analysis.verdict_statistics import rise
from ganbench.analysis.verdicts import Verdict

MISSING, MOVING, DRIFT = "partial collapse", ("oscillation", "mode hopping"), "the samples drift off"
BLIND = ("the discriminator learns nothing", "the discriminator tells nothing apart")
HELD = 0.5  # of the limit, that a column must have reached to have been held; all of it in a young run
STILL_RISING = THRESHOLDS["still rising"].value  # by which share of itself
LASTING = 4  # evaluations, over which what was held is taken as their median
ENOUGH = 40  # evaluations, two thirds of those that verdicts want: what was never there is not missed before
COVERED = ("recall", "modes_captured")  # what no generator gains whose discriminator tells it nothing
RISING = (*COVERED, "total_spread")  # what grows while samples still spread out over the data

Values = NDArray[np.float64]


def is_early(verdict: Verdict, columns: Mapping[str, Values], young: bool = False) -> bool:
    """Return whether a verdict names what is normal while a run still improves: movement, or modes not yet covered.

    Samples move as long as they spread out over the data, about or in one direction: that is a fault only where nothing
    rises any more, which is where recall, modes and spread are not above their median of the run's second quarter by
    30 % of themselves. Those of a young run go about before they spread out. A discriminator that can win little is no
    blind one where recall or modes rise like that.

    A column was held where the median of four evaluations in a row reached half of the limit, in a young run all of it,
    and it is lost where it has fallen by 30 % since. What was never held is missing from the 40th evaluation on, where
    the run is not young and nothing rises any more.

    Args:
        verdict: of the last evaluations.
        columns: of the whole run so far, NaN where not evaluated.
        young: whether so few steps are done that its evaluations, however many, show only the beginning.
    """
    rising = [values for name in RISING if len(values := _known(columns.get(name, np.zeros(0))))]
    if verdict.verdict in MOVING or verdict.cause == DRIFT:
        return (young and verdict.cause != DRIFT) or any(map(_rises, rising))
    if verdict.cause in BLIND:
        return any(_rises(_known(columns[name])) for name in COVERED if name in columns)
    if verdict.verdict != MISSING or not verdict.evidence:
        return False
    first = verdict.evidence[0]
    enough = 1.0 if young else HELD
    if first.level is not None and _is_lost(_known(columns[first.column]), enough * first.level):
        return False
    return young or max(map(len, rising), default=0) < ENOUGH or any(map(_rises, rising))


def _known(values: Values) -> Values:
    return values[~np.isnan(values)]


def _is_lost(values: Values, enough: float) -> bool:
    if len(values) < 2 * LASTING:
        return False
    medians = np.median(np.lib.stride_tricks.sliding_window_view(values, LASTING), axis=1)
    held = medians.max()
    return bool(held >= enough and medians[-1] < (1 - STILL_RISING) * held)


def _rises(values: Values) -> bool:
    return rise(values) >= STILL_RISING
