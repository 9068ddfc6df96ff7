"""The ranking table of a data set: what each cell says and how strongly it is tinted."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ganbench.core.column import Column
from ganbench.report.dataset_results import DatasetResults, RankedRow, floor_of
from ganbench.report.notes import Note, lead_notes
from ganbench.report.plot import Scale
from ganbench.report.strips import Strip, strips
from ganbench.report.verdict_bars import Bar
from ganbench.report.wording import NONE, Label, label, name_of, number

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
    data: DatasetResults,
    detailed: Collection[str],
    brief: bool = False,
    gradients: Mapping[str, float] | None = None,
    bars: Mapping[str, Bar] | None = None,
) -> Table:
    """Return the table of one data set.

    Args:
        data: what there is of it.
        detailed: the trials that have a card further down.
        brief: leave strips and smaller intervals out.
        gradients: trial → the generator's gradient norm (`gradient_norms`).
        bars: trial → its verdicts.
    """
    gradients, bars, lead = gradients or {}, bars or {}, data.lead.name if data.lead else None
    baseline, better = data.improvements
    usual = _usual(data)
    others = usual if brief else [*usual, *(m for m in data.metrics if m != lead and m not in usual)]
    displayed = [*([lead] if lead else []), *others]
    statuses = ["ok", *(s for s in ("diverged", "failed", "timeout") if any(row[s] for row in data.ranked))]
    drawn = {} if brief else strips(data)
    errors = dict(data.runs.loc[data.runs["error"].notna(), ["trial", "error"]].itertuples(index=False, name=None))
    rows = []
    for row, cells in zip(data.ranked, _cells(data, displayed), strict=True):
        trial = row["trial"]
        made = Row(
            trial=trial,
            anchor=f"t-{trial}",
            label=label(row, data.named),
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
    heads = {m: _head(data.metrics[m], data.runs, m in others[len(usual) :]) for m in displayed}
    against = next((row.label.spoken for row in rows if row.trial == baseline), "") if better else ""
    lead_head = heads.get(lead) if lead else None
    return Table(lead_head, [heads[m] for m in others], rows, against, bool(gradients), statuses, brief)


def _usual(data: DatasetResults) -> list[str]:
    """Return the few metrics besides the lead that the table has at once: known ones that tell trials apart."""
    # What has no better or worse (where samples lie, how far they spread) is evidence, and not in the ranking.
    directed = [m for m, column in data.metrics.items() if column != data.lead and column.direction]
    directed.sort(key=lambda m: not data.metrics[m].leading)
    means = {m: [row[f"{m}_mean"] for row in data.ranked] for m in directed}
    known = [m for m in directed if any(map(math.isfinite, means[m]))]
    return [m for m in known if len(means[m]) < 2 or len(set(means[m])) > 1][:MOST_OTHERS]


def _cells(data: DatasetResults, displayed: Sequence[str]) -> Iterator[dict[str, Cell]]:
    """Yield each trial's cells by metric, tinted by how it stands among the others."""
    shades = {m: tints([row[f"{m}_mean"] for row in data.ranked], data.metrics[m].direction) for m in displayed}
    notes = lead_notes(data)
    for i, row in enumerate(data.ranked):
        trial, lead = row["trial"], data.lead
        yield {m: _cell(row, m, shades[m][i], notes.get(trial) if lead and m == lead.name else None) for m in displayed}


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


def _head(column: Column, runs: pd.DataFrame, extra: bool) -> Head:
    floor = number(floor_of(column.name, runs))
    return Head(column.name, name_of(column), column.meaning, column.direction, floor, extra)


def _cell(row: RankedRow, metric: str, tint: int | None, note: Note | None = None) -> Cell:
    value, low, high, middle, median = (float(row[f"{metric}_{s}"]) for s in ("mean", "low", "high", "iqm", "median"))
    # Where no seed differs, a t interval of no width would claim that none ever will.
    interval = "" if math.isnan(low) or high == low else f"± {number((high - low) / 2, 2)}"
    least, most = (float(row[f"{metric}_median_{s}"]) for s in ("low", "high"))
    span = "" if math.isnan(least) else f" [{number(least)}, {number(most)}]"
    averages = f"interquartile mean {number(middle)}, median {number(median)}{span}, n = {int(row[f'{metric}_n'])}"
    detail = f"mean {number(value)} {interval}, {averages}"
    several = int(row[f"{metric}_n"]) > 1  # the median of one run is that run
    beneath = (f"median {number(median)}{span}" if several else "") if note is None else note.text
    return Cell(number(value), _exact(value), tint, interval, beneath, detail)


def _exact(value: float) -> str:
    return "" if math.isnan(value) else repr(float(value))


def tints(values: Sequence[float], direction: str) -> list[int | None]:
    """Return how good each value is among its column, 0 to 6: on a log scale where it spans two powers of ten."""
    known = [v for v in values if math.isfinite(v)]
    if not direction or not known or min(known) == max(known):
        return [None] * len(values)
    shares = Scale.spanning(known).place([v if math.isfinite(v) else math.nan for v in values]).tolist()
    better = [s if direction == "higher" else 1 - s for s in shares]
    return [None if math.isnan(s) else round(s * (TINTS - 1)) for s in better]
