"""Loss × trick at a glance: a table for each metric whose cells are tinted by how good they are."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ganbench.core.column import Column
from ganbench.core.naming import split
from ganbench.report.dataset_results import DatasetResults, Ranked
from ganbench.report.rows import tints
from ganbench.report.wording import BESIDE, NO_TRICKS, Naming, name_of, number

MOST = 40  # rows or columns; beyond, the ranking is what can be read


@dataclass(frozen=True)
class Square:
    """A cell: its mean, half of the interval, the tint 0 (worst) to 6 (best), and where to read more.

    `why` says why there is no number: a combination that was skipped, or not asked for (empty).
    """

    text: str = ""
    interval: str = ""
    tint: int | None = None
    anchor: str = ""
    why: str = ""


@dataclass(frozen=True)
class Heatmap:
    """One metric: rows are cells of tricks, columns losses; `place` names the network and optimizer where they vary."""

    metric: str
    direction: str
    place: str
    losses: list[str]
    rows: list[tuple[str, list[Square]]]


def heatmaps(data: DatasetResults, skipped: Mapping[tuple[str, str], str]) -> list[Heatmap]:
    """Return a heatmap a metric, and a place where the suite has several; none without two losses and two tricks.

    Args:
        data: of the data set; the metrics that decide its order are shown.
        skipped: (loss, tricks) → why the plan left it out.
    """
    ranked, named = data.ranked, data.named
    places: dict[str, list[Mapping]] = {}
    for row in ranked:
        names = (named.text(row[axis]) for axis in BESIDE if axis in named.axes)
        where = ", ".join(name for name in names if name)
        places.setdefault(where, []).append(row)
    maps = []
    for metric in data.keys:
        tinted = tints([row[f"{metric.name}_mean"] for row in ranked], metric.direction)
        shades = dict(zip((row["trial"] for row in ranked), tinted, strict=True))
        for place, rows in places.items():
            maps += _heatmap(rows, metric, place, named, skipped, shades)
    return maps


def _heatmap(
    rows: Ranked,
    metric: Column,
    place: str,
    named: Naming,
    skipped: Mapping[tuple[str, str], str],
    shades: Mapping[str, int | None],
) -> list[Heatmap]:
    cells = {(row["loss"], row["tricks"]): row for row in rows}
    # Those with the most trials first, then as the ranking has them.
    losses = _most_first(loss for loss, _ in cells)
    tricks = sorted(_most_first(trick for _, trick in cells), key=lambda trick: trick != NO_TRICKS)
    if not (2 <= len(losses) <= MOST and 2 <= len(tricks) <= MOST) or len(cells) < len(rows):
        return []
    table = [
        (
            " + ".join(named.text(t) for t in split(trick, "+")) if trick != NO_TRICKS else "plain",
            [_square(cells.get((loss, trick)), metric, shades, skipped.get((loss, trick), "")) for loss in losses],
        )
        for trick in tricks
    ]
    return [Heatmap(name_of(metric), metric.direction, place, [named.text(loss) for loss in losses], table)]


def _most_first(texts: Iterable[str]) -> list[str]:
    return [text for text, _ in Counter(texts).most_common()]


def _square(row: Mapping | None, metric: Column, shades: Mapping[str, int | None], why: str) -> Square:
    if row is None:
        return Square(why=why)
    value, low, high = (float(row[f"{metric.name}_{s}"]) for s in ("mean", "low", "high"))
    interval = "" if math.isnan(low) or high == low else f"± {number((high - low) / 2, 2)}"
    return Square(number(value), interval, shades[row["trial"]], f"t-{row['trial']}", "")
