"""What a comparison comes to: an exit code, counts in one line, and plain data."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Sequence

from ganbench.analysis.comparison import SHARED
from ganbench.analysis.comparison_results import WHOLE, Comparison
from ganbench.analysis.comparison_rows import Outcome, Row
from ganbench.check.differences import Difference
from ganbench.core.errors import INCOMPLETE, REGRESSION
from ganbench.core.markdown import one_line
from ganbench.core.results_files import Json

SHOWN = 5  # of what is let through, the largest effects


def fails(row: Row) -> bool:
    """Return whether a row keeps the gate from passing: undecided does where a margin asks for proof."""
    if row.outcome == Outcome.UNDECIDED:
        return not math.isnan(row.margin)
    return row.outcome in (Outcome.WORSE, Outcome.MISSING, Outcome.UNDERPOWERED)


def exit_code(comparison: Comparison) -> int:
    """Return 1 for a regression (a metric worse, or without a value now), 4 where the evidence is incomplete, else 0.

    Incomplete is a trial without results, a metric with too few seeds to tell, and one whose margin is not shown.
    """
    missing = [row for row in comparison.having(Outcome.MISSING) if row.metric != WHOLE]
    if comparison.having(Outcome.WORSE) or missing:
        return REGRESSION
    return INCOMPLETE if comparison.incomplete or any(map(fails, comparison.rows)) else 0


def headline(comparison: Comparison) -> str:
    """Return one line: the verdict, how many of each outcome, and what is let through without proof."""
    counts = Counter(row.outcome for row in comparison.rows)
    parts = ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome if counts[outcome])
    if comparison.identical:
        equal = f"no regression: all {len(comparison.rows)} comparisons are equal to the last bit"
        return equal + _without_value(comparison)
    code, free = exit_code(comparison), sum(not fails(row) for row in comparison.having(Outcome.UNDECIDED))
    verdict = {0: "no regression found", REGRESSION: "regression", INCOMPLETE: "cannot tell"}[code]
    passed = f"; {free} undecided are let through, --margin asks for proof" if free and not code else ""
    alpha = f" (alpha {comparison.rules.alpha:g} for all of them together)"
    return f"{verdict}: {parts}{alpha}{passed}{_without_value(comparison)}"


def _without_value(comparison: Comparison) -> str:
    count = sum(row.identical and "no value" in row.reason for row in comparison.rows)
    return f"; {count} of them have runs without a value on both sides" if count else ""


def notes(comparison: Comparison) -> list[str]:
    """Return what else limits the answer, one line each."""
    shared = {min(row.n_baseline, row.n_now) for row in comparison.rows if row.test == SHARED}
    if not shared:
        return []
    least = min(shared)
    return [
        f"both sides have the same seeds, but {least} pairs reach p {0.5**least:.2g} at best, so they are tested as "
        "independent runs: alpha does not hold where equal seeds end opposite ways (docs/comparisons.md)"
    ]


def visible(comparison: Comparison, everything: bool = False) -> list[Row]:
    """Return the rows to show, the gravest first.

    Without `everything` they are those that are worse, missing, underpowered or better, those whose margin is not
    shown, and of what is let through the five with the largest effects, whatever their p.
    """
    order = list(Outcome)
    let_through = sorted(comparison.having(Outcome.UNDECIDED, Outcome.EQUIVALENT), key=_size, reverse=True)
    kept = {id(row) for row in let_through[:SHOWN] if _size(row) > 0}
    quiet = (Outcome.UNDECIDED, Outcome.EQUIVALENT, Outcome.IDENTICAL)
    rows = [row for row in comparison.rows if everything or fails(row) or row.outcome not in quiet or id(row) in kept]
    return sorted(rows, key=lambda row: (order.index(row.outcome), -_size(row) if row.outcome in quiet else 0.0))


def _size(row: Row) -> float:
    return 0.0 if math.isnan(row.effect) else abs(row.effect)


HEADERS = ("outcome", "trial", "metric", "baseline", "now", "runs", "effect", "why")


def cells(row: Row) -> list[str]:
    """Return a row as texts, in the order of `HEADERS`."""
    runs = f"{row.n_baseline}/{row.n_now}" if row.n_now else ""
    numbers = [_number(row.baseline), _number(row.now), runs, _number(row.effect, "+.2f")]
    return [str(row.outcome), row.name, row.metric, *numbers, one_line(row.reason)]


def as_data(comparison: Comparison, baseline: str, differs: Sequence[Difference]) -> Json:
    """Return the whole comparison as JSON can hold it; numbers that are undefined are null."""
    return {
        "format": 2,
        "baseline": baseline,
        "exit_code": exit_code(comparison),
        "verdict": headline(comparison),
        "identical": comparison.identical,
        "alpha": comparison.rules.alpha,
        "seeds": dict(comparison.seeds),
        "differs": [dataclasses.asdict(difference) for difference in differs],
        "notes": notes(comparison),
        "new_trials": list(comparison.new),
        "incomplete_trials": list(comparison.incomplete),
        "rows": [{name: _plain(v) for name, v in dataclasses.asdict(row).items()} for row in comparison.rows],
    }


def _number(value: float, form: str = ".4g") -> str:
    return "" if math.isnan(value) else format(value, form)


def _plain(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value
