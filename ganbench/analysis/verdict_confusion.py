"""Verdicts held to what was planted: which scenario got which verdicts, and how often that was right."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from ganbench.analysis.statistics import clopper_pearson
from ganbench.analysis.verdict_rules import FAILED, HEALTHY, RULES, THRESHOLDS, UNCLEAR

RIGHT = 0.95  # of all runs, at least
FALSE_ALARMS = 0.02  # of the healthy runs, at most
NOT = "not "


class Planted(NamedTuple):
    """A scenario with what it should get: a verdict (or `not ` one), and its cause where that must be right, too."""

    scenario: str
    verdict: str
    cause: str = ""

    def fits(self, verdict: str, cause: str) -> bool:
        """Return whether a verdict is right."""
        if self.verdict.startswith(NOT):
            return verdict not in (self.verdict.removeprefix(NOT), FAILED)
        return verdict == self.verdict and self.cause in ("", cause)


class Line(NamedTuple):
    """A scenario's runs: how many were right, their share with Clopper and Pearson's 95 %, and what they got."""

    planted: Planted
    runs: int
    right: int
    low: float
    high: float
    got: dict[str, int]


@dataclass(frozen=True)
class Confusion:
    """All scenarios together.

    Attributes:
        lines: a scenario each. healthy: how many runs should be healthy; alarms: those that are called a failure.
    """

    lines: tuple[Line, ...]

    @property
    def runs(self) -> int:
        """Return the number of all runs."""
        return sum(line.runs for line in self.lines)

    @property
    def right(self) -> int:
        """Return how many are right."""
        return sum(line.right for line in self.lines)

    @property
    def healthy(self) -> int:
        """Return how many runs should be healthy."""
        return sum(line.runs for line in self.lines if line.planted.verdict == HEALTHY)

    @property
    def alarms(self) -> int:
        """Return how many of those are called a failure; an unclear one is no failure."""
        lines = [line.got for line in self.lines if line.planted.verdict == HEALTHY]
        return sum(n for got in lines for verdict, n in got.items() if verdict not in (HEALTHY, UNCLEAR))

    @property
    def holds(self) -> bool:
        """Return whether 95 % are right and at most 2 % of the healthy runs are called a failure."""
        return self.right >= RIGHT * self.runs > 0 and self.alarms <= FALSE_ALARMS * self.healthy


def confusion(verdicts: pd.DataFrame, trials: Sequence[str], planted: Sequence[Planted]) -> Confusion:
    """Return what the scenarios got.

    Args:
        verdicts: what `analysis.verdicts.verdicts` returned.
        trials: the trial of each scenario, the first twelve digits of its key; one without runs counts for nothing.
        planted: the scenarios, in the same order.
    """
    lines = []
    for trial, one in zip(trials, planted, strict=True):
        rows = zip(verdicts["trial"], verdicts["verdict"], verdicts["cause"], strict=True)
        pairs = [(str(verdict), str(cause)) for name, verdict, cause in rows if name == trial]
        right = sum(one.fits(*pair) for pair in pairs)
        interval = clopper_pearson(right, len(pairs))
        # The cause stands beside a verdict where the scenario asks for one.
        got = Counter(f"{verdict}, {cause}" if one.cause and cause else verdict for verdict, cause in pairs)
        lines.append(Line(one, len(pairs), right, interval.low, interval.high, dict(got.most_common())))
    return Confusion(tuple(lines))


def rules_print() -> str:
    """Return ten hex digits that change with any rule or threshold: a table made with others says nothing of these."""
    values = {name: threshold.value for name, threshold in THRESHOLDS.items()}
    rules = [(r.verdict, r.cause, [tuple(condition) for condition in r.conditions]) for r in RULES]
    return hashlib.sha256(repr((rules, values)).encode()).hexdigest()[:10]
