"""What the comparison page shows, as plain data: one run against others, trial by trial."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganbench.analysis.comparison_pairs import pairs
from ganbench.analysis.comparison_results import WHOLE, Comparison, compare_results
from ganbench.analysis.comparison_rows import Outcome, Row
from ganbench.analysis.comparison_rules import Rules
from ganbench.check.comparable import MEASURING, require_versions
from ganbench.check.differences import Difference, Side, differences
from ganbench.check.verdict import notes
from ganbench.report import about
from ganbench.report.figures import Curve, overlays
from ganbench.report.wording import NONE, Label, count, label, listing, name_of, naming, number

if TYPE_CHECKING:
    import pandas as pd

    from ganbench.core.column import Column
    from ganbench.tables.results import Results

DRAWN = 60  # trials with curves, the gravest first: about 15 kB each
SAYS = {
    Outcome.WORSE: "got worse",
    Outcome.MISSING: "ended without results",
    Outcome.UNDERPOWERED: "had too few seeds to tell",
    Outcome.BETTER: "got better",
    Outcome.UNDECIDED: "are undecided",
    Outcome.EQUIVALENT: "are as good within the margin",
    Outcome.IDENTICAL: "are equal to the last bit",
}


@dataclass(frozen=True)
class Change:
    """A metric of a trial on both sides, as texts; `arrow` points where the numbers went."""

    outcome: Outcome
    metric: str
    before: str
    now: str
    arrow: str
    improvement: str
    p: str
    runs: str
    reason: str


@dataclass(frozen=True)
class Trial:
    """A trial and what became of it: the gravest outcome of its metrics; `lost` says why it has no numbers."""

    anchor: str
    dataset: str
    label: Label
    outcome: Outcome
    lost: str
    changes: list[Change]
    curves: list[Curve]


@dataclass(frozen=True)
class Against:
    """One run held against the first: what differs between them, then `trials`, the gravest first."""

    anchor: str
    before: str
    now: str
    sentence: str
    differs: list[Difference]
    trials: list[Trial]
    notes: list[str]
    provenance: list[tuple[str, str]]

    def having(self, *outcomes: Outcome) -> list[Trial]:
        """Return the trials that came to one of these."""
        return [trial for trial in self.trials if trial.outcome in outcomes]


@dataclass(frozen=True)
class Changes:
    """Everything on the page."""

    title: str
    alpha: float
    sections: list[Against]


def changes(first: Results, others: Sequence[Results]) -> Changes:
    """Compare each of `others` with the first.

    Raises:
        IncomparableError: no trial or metric is in both, or they were measured differently.
    """
    rules = Rules()
    title = " → ".join(_title(results) for results in (first, *others))
    return Changes(title, rules.alpha, [_against(i, first, now, rules) for i, now in enumerate(others)])


def _against(place: int, before: Results, now: Results, rules: Rules) -> Against:
    require_versions(before.manifest, now.manifest, MEASURING)
    comparison = compare_results(before, now, rules)
    by_trial: dict[str, list[Row]] = {}
    for row in comparison.rows:
        by_trial.setdefault(row.trial, []).append(row)
    order = list(Outcome)
    ranked = sorted(by_trial, key=lambda trial: min(order.index(row.outcome) for row in by_trial[trial]))
    drawn = set(ranked[:DRAWN])
    sides = {str((new if new is not None else old)["trial"].iloc[0]): (old, new) for old, new in _paired(before, now)}
    trials = [_trial(place, trial, by_trial[trial], *sides[trial], before, now, trial in drawn) for trial in ranked]
    return Against(
        f"c-{place}",
        _title(before),
        _title(now),
        _sentence(comparison, trials),
        differences(Side.of(before), Side.of(now)),
        trials,
        [*notes(comparison), *(f"new, not compared: {name}" for name in comparison.new)],
        about.provenance(now),
    )


def _paired(before: Results, now: Results) -> list[tuple[pd.DataFrame, pd.DataFrame | None]]:
    return pairs(before.runs, now.runs)[0]


def _trial(
    place: int,
    trial: str,
    rows: list[Row],
    old: pd.DataFrame,
    new: pd.DataFrame | None,
    before: Results,
    now: Results,
    drawn: bool,
) -> Trial:
    runs, results = (old, before) if new is None else (new, now)
    first = {str(name): value for name, value in runs.iloc[0].items()}
    name = label(first, naming(_where(results.runs, "dataset", first["dataset"])))
    order = list(Outcome)
    outcome = min((row.outcome for row in rows), key=order.index)
    gravest_first = sorted(rows, key=lambda row: order.index(row.outcome))
    curves = []
    if drawn and new is not None:
        curves = overlays(_history(before, old), _history(now, new), new, now.columns, str(name))
    lost = next((row.reason for row in rows if row.metric == WHOLE), "")
    metrics = [_change(row, results.columns) for row in gravest_first]
    return Trial(f"c-{place}-{trial}", str(first["dataset"]), name, outcome, lost, metrics, curves)


def _history(results: Results, runs: pd.DataFrame) -> pd.DataFrame:
    return _where(results.history, "trial", runs["trial"].iloc[0])


def _where(frame: pd.DataFrame, column: str, value: object) -> pd.DataFrame:
    return frame.loc[frame[column] == value]


def _change(row: Row, columns: Mapping[str, Column]) -> Change:
    p = {Outcome.WORSE: row.p_worse, Outcome.BETTER: row.p_better}.get(row.outcome, min(row.p_worse, row.p_better))
    arrow = "" if math.isnan(row.difference) or row.difference == 0 else "↑" if row.difference > 0 else "↓"
    return Change(
        row.outcome,
        name_of(columns[row.metric]) if row.metric in columns else row.metric,
        number(row.baseline),
        number(row.now),
        arrow,
        NONE if math.isnan(row.improvement) else f"{row.improvement:.2f}",
        _p(p),
        f"{row.n_baseline} / {row.n_now}" if row.n_now else NONE,
        row.reason,
    )


def _p(p: float) -> str:
    if math.isnan(p):
        return NONE
    return "< .001" if p < 0.001 else "1" if p > 0.9995 else f"{p:.3f}".removeprefix("0")


def _sentence(comparison: Comparison, trials: Sequence[Trial]) -> str:
    """Return "2 of 12 trials got worse, 1 got better and 9 are undecided"."""
    if comparison.identical:
        return f"Nothing changed: {count(len(trials), 'trial')}, equal to the last bit."
    counts = Counter(trial.outcome for trial in trials)
    first, *rest = [f"{counts[outcome]:,} {text}" for outcome, text in SAYS.items() if counts[outcome]]
    some, what = first.split(" ", 1)
    return listing([f"{some} of {count(len(trials), 'trial')} {what}", *rest]) + "."


def _title(results: Results) -> str:
    return f"{results.manifest.suite or results.path.parent.name}/{results.path.name}"
