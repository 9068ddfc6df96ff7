"""What a run with `vary` measured: of each method, the value of every setting, averaged over its seeds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ganbench.analysis.ranking import FINISHED, metric_columns, order_by
from ganbench.analysis.statistics import Values, scored, worst
from ganbench.analysis.verdict_rules import HEALTHY
from ganbench.analysis.verdicts import verdicts
from ganbench.core.column import Column, Direction
from ganbench.core.errors import UsageError
from ganbench.tables.results import Results

Stage = Literal["vary", "confirm"]
HEALTHY_SHARE = Column("healthy", "share of seeds with the verdict healthy", direction="higher")


@dataclass(frozen=True)
class MethodRuns:
    """The finished runs of one method on one data set.

    Attributes:
        method: its name. dataset: the axis of that name.
        numbers: setting → its numbers, one column per address.
        runs: one row per run with `setting`, `seed`, `healthy` (0 or 1) and the metrics; one that diverged has the
            worst value of its data set in each.
    """

    method: str
    dataset: str
    numbers: pd.DataFrame
    runs: pd.DataFrame

    def by_setting(self, measure: str) -> pd.Series:
        """Return the mean over seeds of each setting, by its number; settings without the measure are left out."""
        return self.runs.groupby("setting")[measure].mean().dropna()


@dataclass(frozen=True)
class Varied:
    """All methods of a run, with what they are compared by.

    Attributes:
        methods: in the order of the runs.
        measures: dataset → column of each measure: `healthy`, then the metrics that decide a ranking there.
    """

    methods: list[MethodRuns]
    measures: dict[str, list[Column]]

    def direction(self, measure: str) -> Direction:
        """Return which way a measure is better."""
        known = {column.name: column.direction for columns in self.measures.values() for column in columns}
        if measure not in known:
            raise UsageError(f"no measure {measure!r} in these results; there are {', '.join(known)}")
        return known[measure]

    def on(self, dataset: str) -> Iterator[MethodRuns]:
        """Yield the methods of a data set."""
        return (method for method in self.methods if method.dataset == dataset)

    def leading(self, dataset: str, measure: str | None = None) -> Column:
        """Return a data set's column of that name; by default the metric that decides its ranking first."""
        columns = self.measures[dataset]
        chosen = columns[min(1, len(columns) - 1)].name if measure is None else measure
        self.direction(chosen)
        return next((column for column in columns if column.name == chosen), columns[0])


def varied(results: Results, stage: Stage = "vary") -> Varied:
    """Return the methods of a run with `vary`, from its sweep or from its confirming trials.

    Raises:
        UsageError: the run is of one setting.
    """
    runs = results.runs
    if "setting" not in runs or runs["setting"].isna().all():
        raise UsageError(f"{results.path}: is of one setting; add `vary:` to its suite (docs/suites.md)")
    metrics = metric_columns(results)
    healthy = (verdicts(results)["verdict"] == HEALTHY).astype(float).set_axis(runs.index)
    runs = runs.assign(healthy=healthy)
    finished = runs[runs["setting"].notna() & runs["status"].isin(FINISHED)]
    methods, measures = [], {}
    for dataset, of_dataset in finished.groupby("dataset", sort=False):
        deciding = order_by(of_dataset, metrics)
        measures[str(dataset)] = [HEALTHY_SHARE, *(metrics[name] for name in deciding)]
        fills = {name: worst(of_dataset[name], metrics[name].direction) for name in deciding}
        filled = of_dataset.assign(**{name: _filled(of_dataset, name, fill) for name, fill in fills.items()})
        staged = filled[filled["stage"] == stage]
        for method, of_method in staged.groupby("method", sort=False):
            addresses = [name for name in _addresses(results) if of_method[name].notna().any()]
            numbers = of_method.drop_duplicates("setting").set_index("setting")[addresses].sort_index()
            kept = of_method[["setting", "seed", "healthy", *deciding]].astype({"setting": int, "seed": int})
            methods.append(MethodRuns(str(method), str(dataset), numbers, kept))
    return Varied(methods, measures)


def _addresses(results: Results) -> list[str]:
    """Return the columns of the numbers that vary."""
    return [name for name, column in results.columns.items() if column.varied and name in results.runs]


def _filled(runs: pd.DataFrame, name: str, fill: float) -> Values:
    """Return a metric with the worst value for runs without one, where their trial asked for the metric."""
    values = np.asarray(runs[name], dtype=np.float64)
    asked = np.isfinite(np.asarray(runs[f"{name}_floor"], dtype=np.float64))
    return np.where(asked, scored(values, fill) if np.isfinite(fill) else values, np.nan)
