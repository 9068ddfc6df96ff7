"""Says that a failure begins while it begins: the rules of verdicts on what was logged last."""

from __future__ import annotations

import logging
import time
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ganbench.analysis.verdicts import Verdict, verdict_of
from ganbench.monitor.rows import Rows

log = logging.getLogger("ganbench.monitor")

# Not worth waking anybody: nothing is wrong, too little is known, or it is only early.
QUIET = {"healthy", "unclear", "low quality", "under-trained", "failed"}
EVALUATIONS, LOGGED = 24, 16  # that the rules look back on: as they use the later half, half of that is the delay
# Read from gradients alone, so that no samples have to settle first.
AT_ONCE = {"diverged", "exploding gradient", "vanishing gradient"}
LASTING = 4  # evaluations, or logged rows without any, that a failure must last for before it is said
SHARE = 0.005  # of the time that looking may take


class Alarm:
    """Looks at the rows as they come and says each failure once.

    Attributes:
        said: the failure that holds now; None while there is none.
    """

    def __init__(self) -> None:
        self.said: Verdict | None = None
        self._suspect, self._since = "", 0
        self._next = 0.0

    def look(self, rows: Rows, metrics: frozenset[str], facts: Mapping[Hashable, Any]) -> None:
        """Look at the rows; log a warning where a failure has begun.

        Args:
            rows: of the history.
            metrics: the columns that evaluations fill.
            facts: what `verdict_of` may know besides.
        """
        began = time.perf_counter()
        if began < self._next or not rows.steps:
            return
        found = verdict_of(recent(rows, metrics), facts)
        self._judge(found, rows.steps[-1], _count(rows, metrics))
        now = time.perf_counter()
        self._next = now + (now - began) / SHARE

    def _judge(self, found: Verdict, step: int, count: int) -> None:
        if found.verdict != self._suspect:
            self._suspect, self._since = found.verdict, count
        settled = count >= EVALUATIONS or found.verdict in AT_ONCE  # the first samples move however well it goes
        if count - self._since < LASTING or not settled:
            return
        before = self.said.verdict if self.said else ""
        if found.verdict in QUIET:
            if before and found.verdict == "healthy":
                log.warning("step %d: healthy again; it was: %s", step, before)
                self.said = None
        elif found.verdict != before:
            self.said = found
            cause = f" ({found.cause})" if found.cause else ""
            log.warning("step %d: %s%s: %s; remedy: %s", step, found.verdict, cause, found.text, found.remedy)


def recent(rows: Rows, metrics: frozenset[str]) -> pd.DataFrame:
    """Return the history that the alarm looks at: the beginning and the last of each column.

    Rules compare with the beginning, and look for what is lasting in the later half of what they are given.
    """
    steps = np.array(rows.steps)
    columns = {}
    for name, values in rows.state()[1].items():
        known = np.flatnonzero(~np.isnan(values))
        kept = np.concatenate((known[:1], known[1:][-(EVALUATIONS if name in metrics else LOGGED) :]))
        columns[name] = np.full(len(steps), np.nan)
        columns[name][kept] = values[kept]
    return pd.DataFrame({"step": steps, **columns})


def _count(rows: Rows, metrics: frozenset[str]) -> int:
    """Return how many evaluations there were, or logged rows without any."""
    _, columns = rows.state()
    looked = [int((~np.isnan(values)).sum()) for name, values in columns.items() if name in metrics]
    return max(looked, default=len(rows.steps))
