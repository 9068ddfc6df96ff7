"""All data sets at a glance: method × data set, with the rank on each, for methods that were tried on two or more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ganbench.analysis.verdict_rules import HEALTHY
from ganbench.core.naming import bare_names
from ganbench.report.dataset_results import Ranked, RankedRow
from ganbench.report.rows import TINTS
from ganbench.report.wording import NONE, Naming, label, naming, number

if TYPE_CHECKING:
    from ganbench.report.summary import AnalysedResults

MOST = 40  # methods


@dataclass(frozen=True)
class Place:
    """A method on a data set: its rank of how many, a tint 0 (last) to 6 (first), and where to read more."""

    text: str
    tint: int | None
    anchor: str


@dataclass(frozen=True)
class Line:
    """A method: its places in the order of the data sets, its mean rank, and whether it stays healthy on all."""

    name: str
    places: list[Place]
    mean: str
    holds: str


@dataclass(frozen=True)
class Overview:
    """The table, best mean rank first."""

    datasets: list[str]
    lines: list[Line]


def overview(ranked: Mapping[str, Ranked], healthy: Mapping[str, float], named: Naming) -> Overview | None:
    """Return the table of methods that two or more data sets have; None where there are no such.

    A method is a loss and its tricks; one that a data set has twice (another network or optimiser) is left out there.

    Args:
        ranked: data set → its rows of the ranking, `rank` None where there is none.
        healthy: trial → its share of healthy runs.
        named: how methods are called.
    """
    by_method: dict[tuple[str, str], dict[str, RankedRow]] = {}
    for dataset, rows in ranked.items():
        times = Counter((row["loss"], row["tricks"]) for row in rows)
        for row in rows:
            if times[row["loss"], row["tricks"]] == 1 and row["rank"] is not None:
                by_method.setdefault((row["loss"], row["tricks"]), {})[dataset] = row
    common = [rows for rows in by_method.values() if len(rows) > 1]
    if len(ranked) < 2 or len(common) < 2:
        return None
    sizes = {dataset: max(sum(row["rank"] is not None for row in rows), 1) for dataset, rows in ranked.items()}
    common.sort(key=lambda rows: float(np.mean([_share(row, sizes[d]) for d, row in rows.items()])))
    return Overview(list(ranked), [_line(rows, list(ranked), sizes, healthy, named) for rows in common[:MOST]])


def _share(row: RankedRow, size: int) -> float:
    """Return a rank as a share of the way from the first to the last."""
    return (row["rank"] - 1) / max(size - 1, 1)


def _line(
    rows: Mapping[str, RankedRow],
    datasets: Sequence[str],
    sizes: Mapping[str, int],
    healthy: Mapping[str, float],
    named: Naming,
) -> Line:
    places = []
    for dataset in datasets:
        if dataset not in rows:
            places.append(Place(NONE, None, ""))
            continue
        row = rows[dataset]
        tint = round((1 - _share(row, sizes[dataset])) * (TINTS - 1))
        places.append(Place(f"{row['rank']} of {sizes[dataset]}", tint, f"r-{row['trial']}"))
    ranks = [row["rank"] for row in rows.values()]
    span = f"{number(float(np.mean(ranks)), 2)} ({min(ranks)} to {max(ranks)})"
    held = [dataset for dataset, row in rows.items() if healthy.get(row["trial"], 0.0) > 0.5]
    where = "all" if len(held) == len(datasets) else f"{len(held)} of {len(rows)}"
    return Line(str(label(next(iter(rows.values())), named)), places, span, where)


def overview_of(analysed: AnalysedResults, ranked: Ranked) -> Overview | None:
    """Return the overview of a run from the rows of its ranking; None where data sets have settings."""
    runs = analysed.results.runs
    if analysed.settings or runs.empty:
        return None
    counts: dict[str, list[bool]] = {}
    for trial, verdict in zip(analysed.verdicts["trial"], analysed.verdicts["verdict"], strict=True):
        counts.setdefault(str(trial), []).append(verdict == HEALTHY)
    shares = {trial: sum(each) / len(each) for trial, each in counts.items()}
    called = bare_names(list(dict.fromkeys(map(str, runs["dataset"]))))
    rows = {name: [row for row in ranked if row["dataset"] == dataset] for dataset, name in called.items()}
    return overview(rows, shares, naming(runs))
