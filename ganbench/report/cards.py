"""What happened in a trial: its curves, and its samples over training from its median run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ganbench.analysis.statistics import scored
from ganbench.core.column import Column
from ganbench.core.evenly import spread_out
from ganbench.core.naming import AXES
from ganbench.report.dataset_results import DatasetResults
from ganbench.report.figures import Curve, Mark, curves, layer_profile
from ganbench.report.panels import Frame
from ganbench.report.pictures import Picture, picture
from ganbench.report.rows import Row
from ganbench.report.verdict_bars import Finding, which
from ganbench.report.wording import Label, count, name_of, number

if TYPE_CHECKING:
    import pandas as pd

SIDE_BY_SIDE = 8  # pictures of a trial; a slider moves through all there are


@dataclass(frozen=True)
class MedianRun:
    """The run in the middle by the leading metric: its place among the trial's seeds, and how it is introduced."""

    position: int
    seed: int
    text: str


@dataclass(frozen=True)
class Card:
    """A trial's details.

    Attributes:
        pictures: one a step that was kept. shown: the steps that stand side by side; the slider has the others too.
        opened: it shows without a click.
    """

    row: Row
    label: Label
    facts: list[tuple[str, str]]
    curves: list[Curve]
    diverged: str
    pictures: list[Picture]
    shown: set[int]
    pictured: str
    opened: bool
    findings: list[Finding]
    layers: str
    stopped: str


def card(
    row: Row,
    data: DatasetResults,
    runs: pd.DataFrame,
    history: pd.DataFrame,
    samples: Mapping[str, np.ndarray] | None,
    shared: Sequence[Frame],
    opened: bool,
    findings: list[Finding],
    layers: pd.DataFrame,
    frames: int,
) -> Card:
    """Return the details of one trial.

    Args:
        row: its row of the ranking table.
        data: of its data set; the leading metric chooses the median run.
        runs: its rows of `runs`.
        history: its rows of `history`.
        samples: its pictures, None where it has none.
        shared: the frames of its data set.
        opened: show it at once.
        findings: what its verdicts are.
        layers: its rows of `layers`.
        frames: the most pictures that there is room for.
    """
    first = runs.iloc[0]
    facts = [(axis, str(first[axis])) for axis in AXES[1:]]
    facts += [("steps", f"{int(first['steps']):,}"), ("trial", row.trial)]
    lost = runs.loc[runs["status"] == "DIVERGED"]
    diverged = _ends(lost, runs)
    drawn = curves(history, lost["run"].tolist(), shared, str(row.label), marks(findings))
    chosen = median_run(runs, data.lead, data.fill) if samples is not None else None
    pictures = _pictures(samples, chosen, str(row.label), frames) if samples is not None and chosen else []
    median = chosen.text if chosen else ""
    by_layer = layer_profile(layers, str(row.label))
    early = stopped(runs)
    shown = {pictures[k].step for k in spread_out(len(pictures), SIDE_BY_SIDE)}
    return Card(row, row.label, facts, drawn, diverged, pictures, shown, median, opened, findings, by_layer, early)


def _ends(lost: pd.DataFrame, runs: pd.DataFrame) -> str:
    """Return which runs diverged and between which steps; empty where none did."""
    steps = lost["diverged_at"].dropna().to_numpy()
    if not len(steps):
        return ""
    first, last = int(steps.min()), int(steps.max())
    when = f"at step {first:,}" if first == last else f"between steps {first:,} and {last:,}"
    return f"{count(len(lost), 'run')} ({which(lost, runs)}) {when}"


def stopped(runs: pd.DataFrame) -> str:
    """Return why and when a trial ended before its last step, empty where it did not."""
    if "stop_reason" not in runs:
        return ""
    known = runs[["stop_reason", "stopped_at"]].dropna().to_numpy()
    return f"{known[0][0]} (step {int(known[:, 1].max()):,})" if len(known) else ""


def marks(findings: Sequence[Finding]) -> list[Mark]:
    """Return the evidence of the failures that has a place on a curve, one level a column."""
    placed: dict[str, Mark] = {}
    for finding in findings:
        if finding.family != "healthy":
            for one in finding.details:
                if one.level is not None:
                    text = f"{finding.verdict}, {one.statistic} {one.comparison} {one.threshold:g}"
                    placed.setdefault(one.column, Mark(one.column, one.level, one.from_step, text))
    return list(placed.values())


def median_run(runs: pd.DataFrame, lead: Column | None, fill: float) -> MedianRun:
    """Return the middle run by the leading metric, of two the worse one; equal runs in the order of their seeds."""
    if lead is None:
        return MedianRun(0, int(runs["seed"].iloc[0]), f"seed {runs['seed'].iloc[0]}")
    values = scored(runs[lead.name], fill)
    order = np.argsort(values if lead.direction == "higher" else -values, kind="stable")
    position = int(order[(len(order) - 1) // 2])
    run = runs.iloc[position]
    value = "diverged" if run["status"] == "DIVERGED" else number(float(run[lead.name]))
    return MedianRun(position, int(run["seed"]), f"seed {run['seed']}, the median run by {name_of(lead)} ({value})")


def thumbnail(samples: Mapping[str, np.ndarray] | None, runs: pd.DataFrame, data: DatasetResults) -> Picture | None:
    """Return the last picture of the median run, for the table."""
    if samples is None or not len(samples["steps"]):
        return None
    chosen = median_run(runs, data.lead, data.fill)
    step = int(samples["steps"][-1])
    return picture(samples["samples"][-1, chosen.position], samples["real"], step, f"samples of {chosen.text}", side=44)


def _pictures(samples: Mapping[str, np.ndarray], chosen: MedianRun, name: str, most: int) -> list[Picture]:
    return [
        picture(
            samples["samples"][k, chosen.position],
            samples["real"],
            int(samples["steps"][k]),
            f"{name}, seed {chosen.seed}, step {samples['steps'][k]}",
        )
        for k in spread_out(len(samples["steps"]), most)
    ]
