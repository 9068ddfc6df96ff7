"""What every part of the page needs of one data set: its runs, its ranking, and the metric that decides the order."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ganbench.analysis.ranking import FINISHED, order_by
from ganbench.analysis.statistics import probability_above, scored, worst
from ganbench.core.column import Column
from ganbench.report.wording import NO_TRICKS, Naming, naming

if TYPE_CHECKING:
    import pandas as pd

RankedRow = Mapping[str, Any]  # of the ranking: one trial
Ranked = Sequence[RankedRow]


@dataclass(frozen=True)
class DatasetResults:
    """The results of a run on one data set.

    Attributes:
        name: how sentences call it.
        ranked: its rows of the ranking, best first, `rank` None where there is none.
        runs: its rows of `runs`.
        metrics: the metrics, in the order of the columns.
        tuned: the metric that a search tuned, which then comes before all others.
    """

    name: str
    ranked: Ranked
    runs: pd.DataFrame
    metrics: Mapping[str, Column]
    tuned: Column | None = None

    @cached_property
    def keys(self) -> list[Column]:
        """Return the metrics that decide the order, first to last; none where no run has a value."""
        keys = [self.metrics[name] for name in order_by(self.runs, self.metrics)]
        return keys if self.tuned is None else [self.tuned, *(key for key in keys if key.name != self.tuned.name)]

    @cached_property
    def lead(self) -> Column | None:
        """Return the metric that decides the order."""
        return self.keys[0] if self.keys else None

    @cached_property
    def floor(self) -> float:
        """Return what real samples get in the leading metric; NaN where it is not known."""
        return floor_of(self.lead.name, self.runs) if self.lead else math.nan

    @cached_property
    def fill(self) -> float:
        """Return what a finished run without a value of the leading metric counts as."""
        return worst(self.runs[self.lead.name], self.lead.direction) if self.lead else math.nan

    @cached_property
    def named(self) -> Naming:
        """Return how its trials are told apart."""
        return naming(self.runs)

    @cached_property
    def improvements(self) -> tuple[str, dict[str, float]]:
        """Return the baseline, and trial → P(a run is better than the baseline's), as `improvements` does."""
        return improvements(self.runs, self.lead)


def floor_of(metric: str, runs: pd.DataFrame) -> float:
    """Return what real samples get; NaN where it is not known."""
    floors = runs[f"{metric}_floor"].to_numpy(float) if f"{metric}_floor" in runs else ()
    return next((float(f) for f in floors if math.isfinite(f)), math.nan)


def improvements(runs: pd.DataFrame, lead: Column | None) -> tuple[str, dict[str, float]]:
    """Return the baseline, the first trial without tricks (else the first), and trial → P(a run is better than its).

    Mann and Whitney's U over the number of pairs, ties by half, by the leading metric; runs without a value count as
    the worst. Trials without a finished run, and the baseline itself, have none.
    """
    ended = runs["status"].isin(FINISHED).to_numpy(bool)
    if lead is None or not ended.any():
        return "", {}
    trials, tricks = runs["trial"].to_numpy(str)[ended], runs["tricks"].to_numpy(str)[ended]
    plain = trials[tricks == NO_TRICKS]
    baseline = str((plain if len(plain) else trials)[0])
    values = scored(runs[lead.name], worst(runs[lead.name], lead.direction))[ended]
    filled = values if lead.direction == "higher" else -values
    order = np.argsort(trials, kind="stable")  # one pass: picking each of thousands of trials takes minutes
    names, starts = np.unique(trials[order], return_index=True)
    by_trial = dict(zip(map(str, names), np.split(filled[order], starts[1:]), strict=True))
    base = by_trial.pop(baseline)
    return baseline, {trial: probability_above(values, base) for trial, values in by_trial.items()}
