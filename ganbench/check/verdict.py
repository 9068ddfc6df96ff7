"""What a comparison comes to: an exit code, counts in one line, and plain data."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from ganbench.analysis.comparison import Outcome, Row
from ganbench.analysis.comparison_results import WHOLE, Comparison
from ganbench.core.errors import INCOMPLETE, REGRESSION
from ganbench.core.markdown import one_line

FAILING = (Outcome.WORSE, Outcome.MISSING, Outcome.UNDERPOWERED)


def exit_code(comparison: Comparison) -> int:
    """Return 1 for a regression (a metric worse, or without a value now), 4 where the evidence is incomplete, else 0.

    Incomplete is a trial without results, and a metric with too few seeds to tell.
    """
    missing = [row for row in comparison.having(Outcome.MISSING) if row.metric != WHOLE]
    if comparison.having(Outcome.WORSE) or missing:
        return REGRESSION
    return INCOMPLETE if comparison.incomplete or comparison.having(Outcome.UNDERPOWERED) else 0


def headline(comparison: Comparison) -> str:
    """Return one line: the verdict and how many of each outcome."""
    counts = Counter(row.outcome for row in comparison.rows)
    parts = ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome if counts[outcome])
    if comparison.identical:
        return f"no regression: all {len(comparison.rows)} comparisons are equal to the last bit"
    verdict = {0: "no regression", REGRESSION: "regression", INCOMPLETE: "cannot tell"}[exit_code(comparison)]
    return f"{verdict}: {parts} (alpha {comparison.rules.alpha:g} for all of them together)"


def visible(comparison: Comparison, everything: bool = False) -> list[Row]:
    """Return the rows to show, the gravest first: without `everything`, those that are not the same."""
    order = list(Outcome)
    rows = [row for row in comparison.rows if everything or row.outcome != Outcome.SAME]
    return sorted(rows, key=lambda row: order.index(row.outcome))


HEADERS = ("outcome", "trial", "metric", "baseline", "now", "runs", "effect", "why")


def cells(row: Row) -> list[str]:
    """Return a row as texts, in the order of `HEADERS`."""
    runs = f"{row.n_baseline}/{row.n_now}" if row.n_now else ""
    numbers = [_number(row.baseline), _number(row.now), runs, _number(row.effect, "+.2f")]
    return [str(row.outcome), row.name, row.metric, *numbers, one_line(row.reason)]


def as_data(comparison: Comparison, baseline: str, warnings: Sequence[str]) -> dict[str, Any]:
    """Return the whole comparison as JSON can hold it; numbers that are undefined are null."""
    return {
        "format": 1,
        "baseline": baseline,
        "exit_code": exit_code(comparison),
        "verdict": headline(comparison),
        "identical": comparison.identical,
        "alpha": comparison.rules.alpha,
        "seeds": dict(comparison.seeds),
        "warnings": list(warnings),
        "new_trials": list(comparison.new),
        "incomplete_trials": list(comparison.incomplete),
        "rows": [{name: _plain(v) for name, v in dataclasses.asdict(row).items()} for row in comparison.rows],
    }


def _number(value: float, form: str = ".4g") -> str:
    return "" if math.isnan(value) else format(value, form)


def _plain(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value
