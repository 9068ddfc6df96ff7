"""The first answer of a data set: a forest plot of its trials against the plain one, in a few pixels a row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ganbench.analysis.ranking import FINISHED
from ganbench.analysis.separation import Difference, against, ranks
from ganbench.analysis.statistics import scaled, scored
from ganbench.core.column import Column
from ganbench.report.dataset_results import DatasetResults
from ganbench.report.plot import Scale, tick
from ganbench.report.rows import Row
from ganbench.report.verdict_bars import Bar
from ganbench.report.wording import NONE, Label, count, listing, number

WIDTH, HEIGHT, INSET = 420, 20, 8  # of a row's plot
MOST_ROWS = 20  # trials: tests of all pairs of more take seconds
MOST_NAMED = 3


@dataclass(frozen=True)
class ForestRow:
    """A trial: its rank, its plot (`<svg>`), and how far it is from the plain one."""

    rank: int
    label: Label
    anchor: str
    plot: str
    difference: str
    p: str
    outcome: str
    bar: Bar | None


@dataclass(frozen=True)
class Forest:
    """The plot of a data set.

    Attributes:
        sentence: which trials are told apart. plain: the one they are compared with. rows: best first.
        axis: the scale's labels, `<svg>`. real: what real samples get.
    """

    sentence: str
    plain: str
    rows: list[ForestRow]
    axis: str
    real: str


def forest(rows: Sequence[Row], data: DatasetResults) -> Forest | None:
    """Return the forest plot of a data set; None where there is nothing to compare, or too much.

    Args:
        rows: of its ranking table, best first.
        data: what there is of it.
    """
    lead, floor, (baseline, _) = data.lead, data.floor, data.improvements
    if lead is None or not baseline or not 2 <= len(rows) <= MOST_ROWS:
        return None
    values = {row.trial: _values(data, row.trial, lead) for row in rows}
    values = {trial: kept for trial, kept in values.items() if len(kept) and np.isfinite(kept).all()}
    if len(values) < 2 or baseline not in values:
        return None
    differences = {one.trial: one for one in against(values, baseline, lead.direction)}
    placed = ranks(values, lead.direction)
    everything = [floor, *(v for each in values.values() for v in each)]
    scale = Scale.spanning(everything, counts=lead.unit == "modes")
    plain_mean = scaled(np.mean, values[baseline])
    lines = _lines(scale, plain_mean, floor)
    made = [
        ForestRow(
            placed[row.trial],
            row.label,
            row.anchor if row.detailed else f"r-{row.trial}",
            _plot(values[row.trial], scale, lines, differences.get(row.trial), plain_mean),
            *_texts(differences.get(row.trial)),
            row.bar,
        )
        for row in rows
        if row.trial in values
    ]
    plain = next(row.label.spoken for row in rows if row.trial == baseline)
    names = {row.trial: row.label.spoken for row in rows}
    sentence = _sentence(list(differences.values()), names, plain)
    return Forest(sentence, plain, made, _axis(scale), number(floor))


def _values(data: DatasetResults, trial: str, lead: Column) -> np.ndarray:
    runs = data.runs
    mine = runs.loc[(runs["trial"] == trial) & runs["status"].isin(FINISHED), lead.name]
    return np.asarray(scored(mine.to_numpy(float, na_value=np.nan), data.fill), dtype=np.float64)


def _sentence(differences: Sequence[Difference], names: dict[str, str], plain: str) -> str:
    better = [names[one.trial] for one in differences if one.better]
    worse = [names[one.trial] for one in differences if one.better is False]
    if not better and not worse:
        return f"No trial can be told from {plain}."
    parts = [f"{_few(better)} {_verb(better)} better than {plain}"] if better else []
    if worse:
        parts.append(f"{_few(worse)} {_verb(worse)} worse" + ("" if better else f" than {plain}"))
    left = len(differences) - len(better) - len(worse)
    rest = f"; {count(left, 'other')} cannot be told from it" if left else ""
    text = "; ".join(parts) + rest + "."
    return text[:1].upper() + text[1:]


def _verb(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _few(names: Sequence[str]) -> str:
    kept = list(names[:MOST_NAMED])
    return listing([*kept, f"{len(names) - len(kept)} more"] if len(names) > len(kept) else kept)


def _texts(one: Difference | None) -> tuple[str, str, str]:
    """Return the difference with its interval, Holm's p, and what it says: better, worse or nothing."""
    if one is None:
        return "plain", "", ""
    low, high = one.interval.low, one.interval.high
    interval = "" if math.isnan(low) else f" [{_signed(low)}, {_signed(high)}]"
    p = NONE if math.isnan(one.p) else "< 0.001" if one.p_holm < 0.001 else f"{one.p_holm:.3f}"
    return _signed(one.difference) + interval, p, {True: "better", False: "worse", None: ""}[one.better]


def _signed(value: float) -> str:
    return ("+" if value > 0 else "") + number(value)


def _across(value: float, scale: Scale) -> float:
    return round(INSET + (WIDTH - 2 * INSET) * float(scale.place(value)), 1)


def _lines(scale: Scale, plain: float, floor: float) -> str:
    at = _across(plain, scale)
    text = f'<path class="plainline" d="M{at} 0V{HEIGHT}"/>'
    return text + (f'<path class="realline" d="M{_across(floor, scale)} 0V{HEIGHT}"/>' if math.isfinite(floor) else "")


def _plot(values: np.ndarray, scale: Scale, lines: str, one: Difference | None, plain: float) -> str:
    """Return the seeds as dots, the mean, and the interval of the difference laid at the plain one's mean."""
    middle, known = HEIGHT / 2, np.sort(values)
    parts = [lines]
    places = [_across(float(v), scale) for v in known]
    stacked = {x: places.count(x) for x in places}
    for x, n in sorted(stacked.items()):
        parts.append(f'<circle cx="{x}" cy="{middle:g}" r="{1.7 + 0.45 * min(n - 1, 6):.2g}"/>')
    if one is not None and not math.isnan(one.interval.low):
        low, high = (_across(plain + end, scale) for end in (one.interval.low, one.interval.high))
        parts.append(f'<path class="interval" d="M{low} {middle:g}H{high}"/>')
    parts.append(f'<path class="mean" d="M{_across(scaled(np.mean, values), scale)} 3V{HEIGHT - 3}"/>')
    return f'<svg class="forest" viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">{"".join(parts)}</svg>'


def _axis(scale: Scale) -> str:
    labels = [
        f'<text x="{_across(v, scale)}" y="12">{tick(v)}</text>' for v in scale.ticks(5, scale.high - scale.low > 1.5)
    ]
    return f'<svg class="forest axis" viewBox="0 0 {WIDTH} 14" aria-hidden="true">{"".join(labels)}</svg>'
