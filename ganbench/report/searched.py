"""The page's part about a search: which numbers matter, how the objective depends on them, and the best of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import pandas as pd

from ganbench.analysis.frames import readable_runs
from ganbench.analysis.functional_anova import fit_forest
from ganbench.analysis.sensitivity import FEWEST, NumberAxis
from ganbench.core.column import Column
from ganbench.report.about import search_of
from ganbench.report.dataset_results import Ranked
from ganbench.report.plot import GENERATOR, MUTED, Axes, Scale, drawing, path
from ganbench.report.wording import NONE, count, listing, name_of, number

if TYPE_CHECKING:
    from ganbench.tables.results import Results

BEST = 10  # trials that stand out in parallel coordinates, at most a third of all
MOST_LINES, MOST_ROWS = 400, 100
WIDE, HIGH, SIDE, ABOVE = 860, 230, 60, 36  # of parallel coordinates
PARAMETER = "param."
FEW_LEVELS = 6
TRUSTED = 0.3  # the R² of a forest from which on its shares are said in the headline


@dataclass(frozen=True)
class Importance:
    """A number's share of the objective's variance, in percent, and how much the forest's trees differ in it."""

    name: str
    share: float
    text: str


@dataclass(frozen=True)
class Tried:
    """A trial: its label, its place, its numbers in the order of the heads, its objective."""

    trial: str
    label: str
    rank: str
    numbers: list[str]
    value: str


@dataclass(frozen=True)
class Searched:
    """What a search found on a data set.

    Attributes:
        sentence: the best trial and what matters. objective: what was tuned. better: higher or lower.
        importance: the largest first; empty with fewer than eight trials. explained: what the forest is worth.
        parallel: `<svg>`, a line per trial through all numbers to the objective. scatters: number → `<svg>`.
        heads: the numbers. tried: best first. left_out: how many more trials there are.
    """

    sentence: str
    objective: str
    better: str
    importance: list[Importance]
    explained: str
    parallel: str
    scatters: list[tuple[str, str]]
    heads: list[str]
    tried: list[Tried]
    left_out: int


@dataclass(frozen=True)
class Objective:
    """The metric that a search tunes, and which way is better."""

    column: Column
    higher: bool

    def order(self, ranked: Ranked) -> Ranked:
        """Return the rows best first by the objective, ranked by it; those without a value last, without a rank."""
        key = f"{self.column.name}_mean"
        sign = -1.0 if self.higher else 1.0
        known = sorted((row for row in ranked if math.isfinite(row[key])), key=lambda row: sign * row[key])
        rest = [{**row, "rank": None} for row in ranked if not math.isfinite(row[key])]
        return [*({**row, "rank": place} for place, row in enumerate(known, 1)), *rest]


def objective_of(suite: str, metrics: Mapping[str, Column]) -> Objective | None:
    """Return what a suite's search tunes; None where it has no search, or a metric that the tables lack."""
    search = search_of(suite)
    column = metrics.get(str(search.get("metric"))) if search else None
    if column is None:
        return None
    mode = search.get("mode") or ("max" if column.direction == "higher" else "min")
    return Objective(column, mode == "max")


def searched(
    results: Results, verdicts: pd.DataFrame, objective: Objective, ranked: Ranked, dataset: str
) -> Searched | None:
    """Return what a search found on a data set from its rows in the objective's order; None without a number."""
    runs = results.runs
    readable = readable_runs(results, verdicts)
    of_trials = readable.loc[(runs["dataset"] == dataset).to_numpy(bool)].drop_duplicates("trial").set_index("trial")
    finished = [row for row in ranked if row["rank"] is not None]
    trials = [str(row["trial"]) for row in finished]
    values = np.array([row[f"{objective.column.name}_mean"] for row in finished])
    table = of_trials.loc[trials, [name for name in of_trials if name.startswith(PARAMETER)]]
    every = [axis for name in table if (axis := _axis(table[name].dropna())) is not None]
    axes = [axis for axis in every if table[axis.address].notna().all()]  # others have no place for some trials
    if not axes or len(trials) < 2:
        return None
    importance, explained = _importance(axes, table, values)
    matters = importance[0] if importance and explained >= TRUSTED and importance[0].share >= 10 else None
    scale, labels = _scale(values), of_trials.loc[trials, "label"].tolist()
    names = [axis.address.removeprefix(PARAMETER) for axis in axes]
    return Searched(
        sentence=_sentence(objective, finished, dict(zip(names, _texts(axes, table, 0), strict=True)), matters),
        objective=name_of(objective.column),
        better="higher" if objective.higher else "lower",
        importance=importance,
        explained=number(explained, 2),
        parallel=parallel(axes, table.iloc[:MOST_LINES], values[:MOST_LINES], scale, name_of(objective.column)),
        scatters=[
            (name, scatter(axis, table[axis.address], values, scale, name))
            for axis in every
            if (name := axis.address.removeprefix(PARAMETER))
        ],
        heads=[axis.address.removeprefix(PARAMETER) for axis in every],
        tried=[
            Tried(trial, labels[i], str(row["rank"]), _texts(every, table, i), number(float(values[i])))
            for i, (trial, row) in enumerate(zip(trials[:MOST_ROWS], finished, strict=False))
        ],
        left_out=max(0, len(trials) - MOST_ROWS),
    )


def _axis(values: pd.Series) -> NumberAxis | None:
    """Return a number as an axis: its values where they are few or words, a range (of its logarithm) else."""
    numbers = [] if values.dtype == "string" else values.tolist()
    log = bool(numbers) and min(numbers) > 0 and max(numbers) / min(numbers) > 20
    column = Column(str(values.name), "a number of the search", dtype="float64" if numbers else "string")
    if numbers and len(set(numbers)) > FEW_LEVELS:
        low, high = float(min(numbers)), float(max(numbers))
        return NumberAxis(str(values.name), log=log, low=low, high=high)
    return NumberAxis.of(values, column)


def _importance(axes: Sequence[NumberAxis], table: pd.DataFrame, values: np.ndarray) -> tuple[list[Importance], float]:
    """Return each number's share of variance by a forest's functional ANOVA, and the forest's R²."""
    if len(values) < FEWEST or values.min() == values.max():
        return [], math.nan
    logged = np.log(values) if values.min() > 0 and values.max() / values.min() > 100 else values
    forest = fit_forest(np.stack([axis.unit(table[axis.address].to_numpy()) for axis in axes], axis=1), logged)
    shares = [(axis.address.removeprefix(PARAMETER), forest.share([i])) for i, axis in enumerate(axes)]
    made = [
        Importance(name, round(min(100 * share, 100.0), 1), f"{100 * share:.0f} %")
        for name, share in sorted(shares, key=lambda pair: -pair[1])
    ]
    return made, float(forest.explained)


def _sentence(objective: Objective, finished: Ranked, best: Mapping[str, str], matters: Importance | None) -> str:
    value = number(float(finished[0][f"{objective.column.name}_mean"]))
    numbers = listing([f"{name} {text}" for name, text in best.items()])
    text = f"the best of {count(len(finished), 'trial')} has {name_of(objective.column)} {value}, with {numbers}"
    if matters is not None:
        text += f"; {matters.name} matters most ({matters.text} of the variance)"
    return text + "."


def _texts(axes: Sequence[NumberAxis], table: pd.DataFrame, row: int) -> list[str]:
    return [_text(table[axis.address].iloc[row]) for axis in axes]


def _text(value: object) -> str:
    if value is pd.NA or value != value:
        return NONE
    return f"{value:.3g}".replace("e-0", "e−").replace("e-", "e−") if isinstance(value, float) else str(value)


def _scale(values: np.ndarray) -> Scale:
    """Return the objective's scale; far outliers, such as trials that diverged, lie at its edge."""
    low, high = (float(np.quantile(values, q)) for q in (0.0, 1.0))
    return Scale.spanning([low, high])


def scatter(axis: NumberAxis, column: pd.Series, values: np.ndarray, scale: Scale, name: str) -> str:
    """Return the objective against one number, a dot per trial, the best ones filled (`<svg>`)."""
    known = column.notna().to_numpy(bool)
    x = axis.unit(column.to_numpy()[known])
    axes = Axes(Scale(0.0, 1.0), scale, ends=_ends(axis))
    places = axes.points(0.02 + 0.96 * x, values[known])
    best = int(known[: _best(len(values))].sum())
    dots = "".join(
        f'<circle cx="{px:.1f}" cy="{py:.1f}" r="2.2" fill="var(--{GENERATOR if i < best else MUTED})" '
        f'fill-opacity="{0.95 if i < best else 0.45}"/>'
        for i, (px, py) in reversed(list(enumerate(places)))
    )
    return drawing([axes.frame, dots], f"Objective against {name}, {count(len(values), 'trial')}")


def _ends(axis: NumberAxis) -> tuple[str, str]:
    first, last = (axis.levels[0], axis.levels[-1]) if axis.levels else (axis.low, axis.high)
    return _text(first), _text(last)


def _best(trials: int) -> int:
    return min(BEST, math.ceil(trials / 3))


def parallel(axes: Sequence[NumberAxis], table: pd.DataFrame, values: np.ndarray, scale: Scale, objective: str) -> str:
    """Return parallel coordinates: an upright axis per number, the objective's last, a line per trial (`<svg>`).

    The best trials stand out, and can be pointed at or reached with the tab key.
    """
    across = np.linspace(SIDE, WIDE - SIDE, len(axes) + 1)
    shares = np.stack([*(axis.unit(table[axis.address].to_numpy()) for axis in axes), scale.place(values)], axis=1)
    lines = [np.stack([across, ABOVE + HIGH * (1 - row)], axis=1) for row in shares]
    best = _best(len(values))
    rest = "".join(path(points) for points in lines[best:])
    parts = [f'<path class="rest" d="{rest}"/>' if rest else ""]
    for i in reversed(range(best)):
        numbers = [f"{a.address.removeprefix(PARAMETER)} {_text(table[a.address].iloc[i])}" for a in axes]
        spoken = f"rank {i + 1}: {', '.join([*numbers, f'{objective} {number(float(values[i]))}'])}"
        d = path(lines[i])
        parts.append(
            f'<g class="method c{0 if i else 1}" tabindex="0" role="img" aria-label={quoteattr(spoken)}>'
            f'<title>{escape(spoken)}</title><path class="hit" d="{d}"/><path class="line" d="{d}"/></g>'
        )
    names = [*(axis.address.removeprefix(PARAMETER) for axis in axes), objective]
    ends = [*(_ends(axis) for axis in axes), (number(scale.low), number(scale.high))]
    frame = "".join(
        f'<path class="tick upright" d="M{x:.1f} {ABOVE}v{HIGH}"/>'
        f'<text class="x" x="{x:.1f}" y="12">{escape(name)}</text>'
        f'<text class="x" x="{x:.1f}" y="{ABOVE + HIGH + 15}">{escape(low)}</text>'
        f'<text class="x" x="{x:.1f}" y="{ABOVE - 3}">{escape(high)}</text>'
        for x, name, (low, high) in zip(across, names, ends, strict=True)
    )
    box = f"0 0 {WIDE} {ABOVE + HIGH + 20}"
    label = f"Parallel coordinates of {count(len(values), 'trial')}"
    head = f'<svg class="labelled parallel" viewBox="{box}" role="group" aria-label={quoteattr(label)}>'
    return f"{head}{frame}{''.join(parts)}</svg>"
