"""Reports a failure when it begins: the rules of verdicts, applied to what was logged last."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from ganbench.analysis.verdicts import Verdict, verdict_of
from ganbench.monitor.coverage import is_early
from ganbench.monitor.findings import Findings
from ganbench.training.history import History

log = logging.getLogger("ganbench.monitor")

# Not worth waking anybody: nothing is wrong, too little is known, or it is only early.
QUIET = {"healthy", "unclear", "low quality", "under-trained", "failed"}
EVALUATIONS, LOGGED = 24, 16  # that the rules look back on: as they use the later half, half of that is the delay
# What a run is where a failure is over and the run not healthy (yet).
GONE = {"low quality", "under-trained"}
# Read from gradients alone, so that no samples have to settle first.
AT_ONCE = {"diverged", "exploding gradient", "vanishing gradient"}
LASTING = 4  # evaluations, or logged rows without any, that a failure must last for before it is reported
# A failure that is near its limit must show in two windows that share no evaluation: if one window of a healthy run
# shows it with probability p, and the two are independent, both do with p². One that is clear need not.
CLEAR, APART = 2.0, EVALUATIONS // 2
# Samples of healthy runs move as well until they come to rest, and often by a little more than the limit, which is for
# whole runs: while it trains, movement must be clear, in two such windows, at half of its size or more in the second.
MOVING, DYING = {"oscillation", "mode hopping"}, 0.5
NOT_YET = Verdict("under-trained", "what is missing was never there", "")
# Decided by shares near 1, which cannot be twice beyond their limits. A discriminator is ahead of every young
# generator, so that it must stay there for this many steps.
SHARES, AHEAD = {"discriminator wins"}, 100


class Alarm:
    """Looks at each evaluation, or at every fourth row where there is none, and reports each failure once.

    What it says follows from the rows alone, and not from the time that they took.

    Args:
        findings: what is wrong with the loop, and is to be fixed before anything that a verdict proposes.

    Attributes:
        verdict: the failure that holds now; None while there is none.
        grown: the step from which on a run may be said to move, or to miss what it never had.
    """

    def __init__(self, findings: Findings | None = None) -> None:
        self._findings = findings or Findings()
        self.verdict: Verdict | None = None
        self.grown = 0
        self._suspect, self._since, self._at_first = "", 0, 0.0
        self._from_step = 0  # at which it was suspected first
        self._looked_at = 0  # evaluations, or fourth rows

    def look(self, history: History, metrics: frozenset[str], facts: Mapping[Hashable, float | str]) -> None:
        """Look at the rows; log a warning where a failure has begun.

        Args:
            history: of one seed.
            metrics: the columns that evaluations fill.
            facts: what `verdict_of` may know besides.
        """
        columns, rows = _columns(history), len(history.row)
        evaluations = max((int((~np.isnan(columns[name])).sum()) for name in metrics & columns.keys()), default=0)
        now = evaluations or rows // LASTING
        if now == self._looked_at:
            return
        self._looked_at = now
        verdict, step = verdict_of(recent(history, metrics), facts), next(reversed(history.row))
        if is_early(verdict, columns, young=step < self.grown):
            verdict = NOT_YET
        self._judge(verdict, step, evaluations or rows)

    def _judge(self, verdict: Verdict, step: int, evaluations: int) -> None:
        value = verdict.evidence[0].value if verdict.evidence else 0.0
        # The first samples move however well it goes; what they show says nothing about those that follow.
        settled = evaluations >= EVALUATIONS or verdict.verdict in AT_ONCE
        if verdict.verdict != self._suspect:
            self._from_step = step
        if verdict.verdict != self._suspect or not settled:
            self._suspect, self._since, self._at_first = verdict.verdict, evaluations, value
        moving = verdict.verdict in MOVING
        clear = _is_clear(verdict)
        soon = verdict.verdict in AT_ONCE | QUIET | SHARES or (clear and not moving)
        coming_to_rest = moving and (not clear or value < DYING * self._at_first)
        if evaluations - self._since < (LASTING if soon else APART) or not settled or coming_to_rest:
            return
        if verdict.verdict in SHARES and step - self._from_step < AHEAD:
            return
        before = self.verdict.verdict if self.verdict else ""
        if verdict.verdict in QUIET:
            healthy = verdict.verdict == "healthy"
            over = healthy or (verdict.verdict in GONE and evaluations - self._since >= APART)
            if before and over:
                log.warning("step %d: %s; it was: %s", step, "healthy again" if healthy else verdict.verdict, before)
                self.verdict = None
        elif verdict.verdict != before:
            if first := self._findings.first:
                verdict = replace(verdict, remedy=f"first fix what was said at {first}")
            self.verdict = verdict
            cause = f" ({verdict.cause})" if verdict.cause else ""
            log.warning("step %d: %s%s: %s; remedy: %s", step, verdict.verdict, cause, verdict.text, verdict.remedy)


def _is_clear(verdict: Verdict) -> bool:
    """Return whether what decided is twice beyond its limit, or as far below it."""
    if not verdict.evidence:
        return False
    first = verdict.evidence[0]
    larger, smaller = (first.value, first.threshold) if first.comparison == ">=" else (first.threshold, first.value)
    return larger >= CLEAR * smaller


def recent(history: History, metrics: frozenset[str]) -> pd.DataFrame:
    """Return the part of the history that the alarm looks at: the first and the last values of each column.

    Rules compare with the beginning, and look for what is lasting in the later half of what they are given.
    """
    columns = {}
    for name, values in _columns(history).items():
        known = np.flatnonzero(~np.isnan(values))
        kept = np.concatenate((known[:1], known[1:][-(EVALUATIONS if name in metrics else LOGGED) :]))
        columns[name] = np.full(len(values), np.nan)
        columns[name][kept] = values[kept]
    return pd.DataFrame({"step": np.array(list(history.row)), **columns})


def _columns(history: History) -> dict[str, np.ndarray]:
    return {name: values[:, 0] for name, values in history.arrays().items()}
