"""Which numbers of a setting matter, and how: shares of variance and marginal curves over a run's settings."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ganbench.analysis.functional_anova import Forest, fit_forest
from ganbench.analysis.settings import Varied, varied
from ganbench.analysis.statistics import Values
from ganbench.core.column import Column
from ganbench.core.errors import UsageError
from ganbench.tables.results import Results

ALL = "all methods"
POINTS = 21  # of a marginal curve
FEWEST = 8  # settings


def sensitivity(results: Results, measure: str | None = None) -> pd.DataFrame:
    """Return how much of the variance over settings each number explains, alone and in pairs, the largest first.

    Columns: `dataset method measure number share sd settings explained`. `number` is an address, or two joined by ` × `
    for what they explain beyond each alone. `share` is that of a forest, and `sd` the spread between its trees (of a
    pair, of what the two explain in all). `explained` is the forest's R² on points it did not see: below about 0.3 the
    shares say little, which with 16 settings is common. `all methods` is their mean, setting by setting.

    Args:
        results: of a run with `vary`.
        measure: a metric that decides a ranking, or `healthy`; by default the first metric.

    Raises:
        UsageError: the run is of one setting or of fewer than eight, or has no such measure.
    """
    rows = []
    for one in _forests(results, measure):
        for axes in (*((i,) for i in range(len(one.axes))), *itertools.combinations(range(len(one.axes)), 2)):
            share = one.forest.share(axes) if len(axes) == 1 else one.forest.interaction(*axes)
            number = " × ".join(one.axes[i].address for i in axes)
            rows.append((*one.place, number, share, one.forest.spread(axes), one.settings, one.forest.explained))
    columns = ["dataset", "method", "measure", "number", "share", "sd", "settings", "explained"]
    table = pd.DataFrame(rows, columns=columns)
    order = table.groupby(["dataset", "method"], sort=False).ngroup()
    ordered = table.assign(order=order).sort_values(["order", "share"], ascending=[True, False], kind="stable")
    return ordered.drop(columns="order").reset_index(drop=True)


def marginal_curves(results: Results, measure: str | None = None) -> pd.DataFrame:
    """Return each number's marginal curve: the measure as it depends on that number alone.

    Columns: `dataset method measure number at value sd`: `at` is a value of the number, `value` the forest's average
    over all other numbers there, and `sd` the spread between its trees.

    Args:
        results: of a run with `vary`.
        measure: as of `sensitivity`.

    Raises:
        UsageError: the run is of one setting or of fewer than eight, or has no such measure.
    """
    rows = []
    for one in _forests(results, measure):
        for i, axis in enumerate(one.axes):
            points, values = axis.points()
            means, spreads = one.forest.curve(i, points)
            rows += [(*one.place, axis.address, *row) for row in zip(values, means, spreads, strict=True)]
    return pd.DataFrame(rows, columns=["dataset", "method", "measure", "number", "at", "value", "sd"])


def _forests(results: Results, measure: str | None) -> list[FittedMethod]:
    methods = varied(results)
    forests = list(fitted(methods, results.columns, measure))
    if not forests:
        most = max((len(one.numbers) for one in methods.methods), default=0)
        raise UsageError(
            f"{results.path}: which numbers matter is told from {FEWEST} settings on, and {most} have results; raise "
            "vary.settings in the suite and run it again"
            if most < FEWEST
            else f"{results.path}: no number differs between the settings; name one in vary.space"
        )
    return forests


@dataclass(frozen=True)
class NumberAxis:
    """A number of the settings as an axis of the unit cube.

    Attributes:
        address: its name. levels: its values, where they are few enough to be a list; each has the same measure.
        log: whether a range is one of its logarithm. low, high: the ends of a range, those of the settings at hand.
    """

    address: str
    levels: tuple[object, ...] = ()
    log: bool = False
    low: float = 0.0
    high: float = 1.0

    @staticmethod
    def of(values: pd.Series, column: Column) -> NumberAxis | None:
        """Return the axis of a number; None for one that does not vary."""
        levels = tuple(sorted(values.unique()))
        if len(levels) < 2:
            return None
        if column.dtype == "string" or len(levels) <= max(2, len(values) // 3):
            return NumberAxis(str(values.name), levels)
        low, high = float(levels[0]), float(levels[-1])
        return NumberAxis(str(values.name), log=column.scale == "log" and low > 0, low=low, high=high)

    def unit(self, values: pd.Series | np.ndarray) -> Values:
        """Return values as points of [0, 1]."""
        if self.levels:
            return (np.array([self.levels.index(value) for value in values]) + 0.5) / len(self.levels)
        x, ends = np.asarray(values, dtype=np.float64), np.array([self.low, self.high])
        if self.log:
            x, ends = np.log(x), np.log(ends)
        return np.clip((x - ends[0]) / (ends[1] - ends[0]), 0.0, 1.0)

    def points(self) -> tuple[Values, list[object]]:
        """Return where a curve is drawn: points of [0, 1], and the number's values there."""
        if self.levels:
            return (np.arange(len(self.levels)) + 0.5) / len(self.levels), list(self.levels)
        u = np.linspace(0.0, 1.0, POINTS)
        span = np.geomspace if self.log else np.linspace
        return u, list(span(self.low, self.high, POINTS))


@dataclass(frozen=True)
class FittedMethod:
    """The forest of one method. `place` is its data set, its name and the measure."""

    place: tuple[str, str, str]
    axes: list[NumberAxis]
    forest: Forest
    settings: int


def fitted(methods: Varied, columns: Mapping[str, Column], measure: str | None = None) -> Iterator[FittedMethod]:
    """Yield the forest of each method with eight settings or more, and that of their mean, data set by data set."""
    for dataset in methods.measures:
        name = methods.leading(dataset, measure).name
        pairs = {method.method: (method.by_setting(name), method.numbers) for method in methods.on(dataset)}
        values = {method: pair for method, pair in pairs.items() if len(pair[0])}  # one may lack the measure
        if len(values) > 1:
            common = pd.concat([series for series, _ in values.values()], axis=1, join="inner").mean(axis=1)
            numbers = pd.concat([numbers for _, numbers in values.values()])
            values = {ALL: (common, numbers[~numbers.index.duplicated()])} | values
        for method, (series, numbers) in values.items():
            settings = numbers.loc[series.index].dropna(axis="columns")
            axes = [NumberAxis.of(settings[address], columns[str(address)]) for address in settings]
            kept = [axis for axis in axes if axis is not None]
            if len(series) < FEWEST or not kept:
                continue
            points = np.stack([axis.unit(settings[axis.address]) for axis in kept], axis=1)
            forest = fit_forest(points, series.to_numpy(dtype=np.float64))
            yield FittedMethod((dataset, method, name), kept, forest, len(series))
