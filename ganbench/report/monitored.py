"""The page's part about a monitored run: what is wrong with it, its last numbers, and how its loss is made up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ganbench.core.column import Column
from ganbench.report.dataset_results import floor_of
from ganbench.report.figures import curve_table
from ganbench.report.labelled import Area, Series, labelled
from ganbench.report.plot import Scale, tick
from ganbench.report.verdict_bars import Finding, findings
from ganbench.report.wording import name_of, number

if TYPE_CHECKING:
    import pandas as pd

    from ganbench.tables.results import Results

SHARE = "term_share_"  # of the columns of `ganbench.monitor.terms`


@dataclass(frozen=True)
class LastNumber:
    """A metric at the last look at the samples, and what real samples get; `leading` where it is better one way."""

    leading: bool
    name: str
    value: str
    real: str
    meaning: str


@dataclass(frozen=True)
class Monitored:
    """What is shown of a run before its curves.

    Attributes:
        sentence: the verdict with its evidence. state: how far the run is.
        finding: the verdict, None before anything was logged. others: verdicts that hold as well.
        symptoms: what is wrong with the loop, in the order in which it was found; it comes before the verdict.
        numbers: of the last look at the samples, those that have no better or worse beyond the first `leading`.
        terms: shares of the generator's gradient over steps (`<svg>`).
    """

    sentence: str
    state: str
    finding: Finding | None
    others: str
    symptoms: list[str]
    numbers: list[LastNumber]
    leading: int
    terms: str


def monitored(results: Results, judged: pd.DataFrame, metrics: Mapping[str, Column]) -> Monitored | None:
    """Return what is shown of a monitored run; None where the results are a suite's."""
    about = results.manifest.monitor
    if about is None:
        return None
    finding = findings(judged, results.runs)[0] if len(judged) else None
    state = f"Step {about.step:,}; {'the run goes on' if about.running else 'the run has ended'}."
    return Monitored(
        sentence=_sentence(finding),
        state=state,
        finding=finding,
        others=str(judged["secondary"].iloc[0]) if len(judged) else "",
        symptoms=list(about.findings),
        numbers=(numbers := _last_numbers(results.runs, metrics) if len(results.runs) else []),
        leading=sum(one.leading for one in numbers),
        terms=terms_chart(results.history),
    )


def _sentence(finding: Finding | None) -> str:
    if finding is None:
        return "Nothing was logged yet."
    cause = f" ({finding.cause})" if finding.cause else ""
    evidence = f": {finding.evidence}" if finding.evidence else ""
    return f"{finding.verdict[:1].upper()}{finding.verdict[1:]}{cause}{evidence}."


def _last_numbers(runs: pd.DataFrame, metrics: Mapping[str, Column]) -> list[LastNumber]:
    """Return the metrics that are known, those with a direction first."""
    known = [name for name in metrics if runs[name].notna().iloc[0]]
    known.sort(key=lambda name: not metrics[name].direction)
    return [
        LastNumber(
            bool(metrics[name].direction),
            name_of(metrics[name]),
            number(float(runs[name].iloc[0])),
            number(floor_of(name, runs)),
            metrics[name].meaning,
        )
        for name in known
    ]


def terms_chart(history: pd.DataFrame) -> str:
    """Return each term's share of the generator's gradient over steps; empty with fewer than two terms."""
    columns = [name for name in history.columns if name.startswith(SHARE) and np.any(history[name].notna())]
    if len(columns) < 2:
        return ""
    x = Scale(0.0, max(1.0, float(history["step"].to_numpy().max())))
    area = Area.holding(len(columns), x, Scale(0.0, 1.0))
    series = []
    for column in columns:
        steps, _, values = curve_table(history, column)
        name, at = column.removeprefix(SHARE), values[:, 0]
        first, last = number(float(at[0]), 2), number(float(at[-1]), 2)
        points = area.at(steps.tolist(), at.tolist())
        if len(points):
            nothing = np.empty((0, 2))
            series.append(Series(name, f"{name}: from {first} to {last}", last, points, nothing, nothing))
    across = [(value, tick(value)) for value in x.ticks(5, integer=True)]
    return labelled(area, area.frame(across, "step", integer=False), series, "Share of the gradient of each term")
