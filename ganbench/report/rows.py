"""The ranking table of a data set: what each cell says and how strongly it is tinted."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ganbench.analysis.ranking import FINISHED
from ganbench.analysis.statistics import probability_above, scored, worst
from ganbench.core.column import Column
from ganbench.report.headline import Ranked
from ganbench.report.notes import Note, lead_notes
from ganbench.report.plot import Scale
from ganbench.report.strips import Strip, strips
from ganbench.report.verdict_bars import Bar
from ganbench.report.wording import NO_TRICKS, NONE, Label, Naming, label, name_of, number

if TYPE_CHECKING:
    import pandas as pd

TINTS = 7
MOST_OTHERS = 4  # metrics beside the leading one: what a screen is wide enough for; all are in the downloads


@dataclass(frozen=True)
class Head:
    """A metric's column head: its name, which way is better and what real samples get.

    An `extra` one begins hidden, behind the chooser of columns.
    """

    name: str
    text: str
    meaning: str
    direction: str
    floor: str
    extra: bool = False


@dataclass(frozen=True)
class Cell:
    """A mean over seeds; `tint` 0 (worst) to 6 (best); `sort` is the exact value, empty where there is none.

    In a brief table `sort` is None where the text says enough. `middle` is the median with its 95 % interval, which
    skewed seeds do not fool, or a note on the seeds (`notes.lead_notes`); `detail` has the other averages.
    """

    text: str
    sort: str | None
    tint: int | None
    interval: str = ""
    middle: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Row:
    """A trial in the table."""

    trial: str
    anchor: str
    label: Label
    rank: str
    lead: Cell | None
    strip: Strip | None
    cells: list[Cell]
    better: Cell | None
    gradient: Cell | None
    ms: Cell
    bar: Bar | None
    counts: dict[str, int]
    runs: int
    error: str
    detailed: bool


@dataclass(frozen=True)
class Table:
    """The ranking of a data set.

    Attributes:
        lead: the head of the metric that decides the order. heads: of the others.
        baseline: what `better` is against, in words; empty where there is nothing to compare.
        gradients: whether rows have the generator's gradient norm. statuses: what runs ended in.
        brief: rows go without strips and without the intervals of the other metrics.
    """

    lead: Head | None
    heads: list[Head]
    rows: list[Row]
    baseline: str
    gradients: bool
    statuses: list[str]
    brief: bool


def table(
    ranked: Ranked,
    runs: pd.DataFrame,
    metrics: Mapping[str, Column],
    lead: str | None,
    named: Naming,
    detailed: set[str],
    brief: bool = False,
    gradients: Mapping[str, float] | None = None,
    bars: Mapping[str, Bar] | None = None,
) -> Table:
    """Return the table of one data set.

    Args:
        ranked: its rows of the ranking, `rank` None where there is none.
        runs: its rows of `runs`.
        metrics: its metrics, in the order of the columns.
        lead: the metric that decides the order, None where no run has a value.
        named: how its trials are told apart.
        detailed: the trials that have a card further down.
        brief: leave strips and smaller intervals out.
        gradients: trial → the generator's gradient norm (`gradient_norms`).
        bars: trial → its verdicts.
    """
    gradients, bars = gradients or {}, bars or {}
    baseline, better = improvements(runs, metrics[lead] if lead else None)
    usual = _usual(ranked, metrics, lead)
    others = usual if brief else [*usual, *(m for m in metrics if m != lead and m not in usual)]
    displayed = [*([lead] if lead else []), *others]
    statuses = ["ok", *(s for s in ("diverged", "failed", "timeout") if any(row[s] for row in ranked))]
    drawn = strips(ranked, runs, lead, metrics, floor_of(lead, runs)) if lead and not brief else {}
    errors = dict(runs.loc[runs["error"].notna(), ["trial", "error"]].itertuples(index=False, name=None))
    rows = []
    for row, cells in zip(ranked, _cells(ranked, runs, metrics, displayed, lead), strict=True):
        trial = row["trial"]
        made = Row(
            trial=trial,
            anchor=f"t-{trial}",
            label=label(row, named),
            rank="" if row["rank"] is None else str(row["rank"]),
            lead=cells.get(lead) if lead else None,
            strip=drawn.get(trial),
            cells=[cells[m] for m in others],
            better=_better(trial, baseline, better) if better else None,
            gradient=_number(gradients.get(trial, math.nan)) if gradients else None,
            ms=_number(row["ms_per_step"]),
            bar=bars.get(trial),
            counts={s: row[s] for s in statuses},
            runs=row["runs"],
            error=str(errors.get(trial, "")),
            detailed=trial in detailed,
        )
        rows.append(_brief_row(made) if brief else made)
    heads = {m: _head(metrics[m], runs, m in others[len(usual) :]) for m in displayed}
    against = next((row.label.spoken for row in rows if row.trial == baseline), "") if better else ""
    lead_head = heads.get(lead) if lead else None
    return Table(lead_head, [heads[m] for m in others], rows, against, bool(gradients), statuses, brief)


def _usual(ranked: Ranked, metrics: Mapping[str, Column], lead: str | None) -> list[str]:
    """Return the few metrics besides the lead that the table has at once: known ones that tell trials apart."""
    # What has no better or worse (where samples lie, how far they spread) is evidence, and not in the ranking.
    directed = [m for m in metrics if m != lead and metrics[m].direction]
    directed.sort(key=lambda m: not metrics[m].leading)
    known = [m for m in directed if any(math.isfinite(row[f"{m}_mean"]) for row in ranked)]
    return [m for m in known if len(ranked) < 2 or len({row[f"{m}_mean"] for row in ranked}) > 1][:MOST_OTHERS]


def _cells(
    ranked: Ranked, runs: pd.DataFrame, metrics: Mapping[str, Column], displayed: Sequence[str], lead: str | None
) -> Iterator[dict[str, Cell]]:
    """Yield each trial's cells by metric, tinted by how it stands among the others."""
    shades = {m: tints([row[f"{m}_mean"] for row in ranked], metrics[m].direction) for m in displayed}
    notes = lead_notes(ranked, runs, metrics[lead], floor_of(lead, runs)) if lead else {}
    for i, row in enumerate(ranked):
        yield {m: _cell(row, m, shades[m][i], notes.get(row["trial"]) if m == lead else None) for m in displayed}


def gradient_norms(history: pd.DataFrame) -> dict[str, float]:
    """Return trial → median of `grad_norm_g` over the last half of its logged steps and its seeds."""
    if "grad_norm_g" not in history or history.empty:
        return {}
    late = history[history["step"] * 2 >= history.groupby("trial")["step"].transform("max")]
    medians = late.groupby("trial", as_index=False)["grad_norm_g"].median()
    return {str(trial): float(value) for trial, value in medians.to_numpy() if math.isfinite(value)}


def _better(trial: str, baseline: str, better: Mapping[str, float]) -> Cell:
    if trial == baseline:
        return Cell("baseline", "0.5", None)
    return Cell(f"{better[trial]:.2f}", _exact(better[trial]), None) if trial in better else Cell(NONE, "", None)


def _brief_row(row: Row) -> Row:
    """Return a row whose cells sort by their texts."""
    return replace(
        row,
        lead=row.lead and _brief(row.lead),
        cells=[_brief(cell) for cell in row.cells],
        better=row.better and _brief(row.better),
        gradient=row.gradient and _brief(row.gradient),
        ms=_brief(row.ms),
    )


def _brief(cell: Cell) -> Cell:
    """Return a cell that sorts by its text where that is a plain number."""
    return replace(cell, sort=None) if cell.text.replace(".", "", 1).isdigit() else cell


def _number(value: float) -> Cell:
    return Cell(number(value), _exact(value), None)


def floor_of(metric: str, runs: pd.DataFrame) -> float:
    """Return what real samples get; NaN where it is not known."""
    floors = runs[f"{metric}_floor"].to_numpy(float) if f"{metric}_floor" in runs else ()
    return next((float(f) for f in floors if math.isfinite(f)), math.nan)


def _head(column: Column, runs: pd.DataFrame, extra: bool) -> Head:
    floor = number(floor_of(column.name, runs))
    return Head(column.name, name_of(column), column.meaning, column.direction, floor, extra)


def _cell(row: Mapping[str, Any], metric: str, tint: int | None, note: Note | None = None) -> Cell:
    value, low, high, middle, median = (float(row[f"{metric}_{s}"]) for s in ("mean", "low", "high", "iqm", "median"))
    # Where no seed differs, a t interval of no width would claim that none ever will.
    interval = "" if math.isnan(low) or high == low else f"± {number((high - low) / 2, 2)}"
    least, most = (float(row[f"{metric}_median_{s}"]) for s in ("low", "high"))
    span = "" if math.isnan(least) else f" [{number(least)}, {number(most)}]"
    averages = f"interquartile mean {number(middle)}, median {number(median)}{span}, n = {int(row[f'{metric}_n'])}"
    detail = f"mean {number(value)} {interval}, {averages}"
    beneath = f"median {number(median)}{span}" if note is None else note.text
    return Cell(number(value), _exact(value), tint, interval, beneath, detail)


def _exact(value: float) -> str:
    return "" if math.isnan(value) else repr(float(value))


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


def tints(values: Sequence[float], direction: str) -> list[int | None]:
    """Return how good each value is among its column, 0 to 6: on a log scale where it spans two powers of ten."""
    known = [v for v in values if math.isfinite(v)]
    if not direction or not known or min(known) == max(known):
        return [None] * len(values)
    shares = Scale.spanning(known).place([v if math.isfinite(v) else math.nan for v in values]).tolist()
    better = [s if direction == "higher" else 1 - s for s in shares]
    return [None if math.isnan(s) else round(s * (TINTS - 1)) for s in better]
