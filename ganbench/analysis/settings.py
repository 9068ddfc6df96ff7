"""What a run with `vary` measured: of each method, the value of every setting, averaged over its seeds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ganbench.analysis.parameters import varying
from ganbench.analysis.ranking import FINISHED, metric_columns, order_by
from ganbench.analysis.statistics import Values, scaled, scored, worst
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
        numbers: setting → its numbers, one column per address; settings without a finished run are there too.
        runs: one row per run with `setting`, `seed`, `healthy` (0 or 1) and the metrics; one that diverged has the
            worst value of its data set in each.
    """

    method: str
    dataset: str
    numbers: pd.DataFrame
    runs: pd.DataFrame

    def by_setting(self, measure: str) -> pd.Series:
        """Return the mean over seeds of each setting, by its number; settings without the measure are left out."""
        values: dict[int, list[float]] = {}
        for setting, value in zip(self.runs["setting"], self.runs[measure], strict=True):
            values.setdefault(int(setting), []).append(float(value))
        means = {setting: scaled(np.mean, of_seeds) for setting, of_seeds in sorted(values.items())}
        return pd.Series({setting: mean for setting, mean in means.items() if np.isfinite(mean)}, dtype=np.float64)


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
        known = {column.name: column for columns in self.measures.values() for column in columns}
        if measure not in known:
            raise UsageError(f"no measure {measure!r} in these results; there are {', '.join(known)}")
        return known[measure].direction

    def on(self, dataset: str) -> Iterator[MethodRuns]:
        """Yield the methods of a data set."""
        return (method for method in self.methods if method.dataset == dataset)

    def leading(self, dataset: str, measure: str | None = None) -> Column:
        """Return a data set's column of that name; by default the metric that decides its ranking first."""
        columns = self.measures[dataset]
        chosen = columns[min(1, len(columns) - 1)].name if measure is None else measure
        self.direction(chosen)
        return next((column for column in columns if column.name == chosen), columns[0])


def varied(results: Results, stage: Stage = "vary", judged: pd.DataFrame | None = None) -> Varied:
    """Return the methods of a run with `vary`, from its sweep or from its confirming trials.

    Args:
        results: of a run with `vary`.
        stage: which of the two.
        judged: its verdicts, where they are known already.

    Raises:
        UsageError: the run is of one setting.
    """
    if "setting" not in results.runs or not np.any(results.runs["setting"].notna()):
        raise UsageError(f"{results.path}: is of one setting; add `vary:` to its suite (docs/settings.md)")
    metrics = metric_columns(results)
    healthy = np.asarray((verdicts(results) if judged is None else judged)["verdict"] == HEALTHY, dtype=np.float64)
    runs = results.runs.assign(healthy=healthy)
    finished = runs.loc[runs["setting"].notna() & runs["status"].isin(FINISHED)]
    methods: list[MethodRuns] = []
    measures: dict[str, list[Column]] = {}
    for dataset, of_dataset in finished.groupby("dataset", sort=False):
        deciding = order_by(of_dataset, metrics)
        measures[str(dataset)] = [HEALTHY_SHARE, *(metrics[name] for name in deciding)]
        fills = {name: worst(of_dataset[name], metrics[name].direction) for name in deciding}
        filled = of_dataset.assign(**{name: _filled(of_dataset, name, fill) for name, fill in fills.items()})
        met = results.runs.loc[(results.runs["dataset"] == dataset) & (results.runs["stage"] == stage)]
        for method, of_method in filled.loc[filled["stage"] == stage].groupby("method", sort=False):
            numbers = _numbers(results, met.loc[met["method"] == method])
            methods.append(_method(str(method), str(dataset), numbers, of_method, deciding))
    return Varied(methods, measures)


def _numbers(results: Results, runs: pd.DataFrame) -> pd.DataFrame:
    """Return the numbers of each setting of these runs, also of one whose runs all failed."""
    addresses = [address for address in varying(results) if np.any(runs[address].notna())]
    first = runs.drop_duplicates("setting")
    numbers = {address: np.asarray(first[address]) for address in addresses}
    return pd.DataFrame(numbers, index=np.asarray(first["setting"], dtype=int)).sort_index()


def _method(name: str, dataset: str, numbers: pd.DataFrame, runs: pd.DataFrame, deciding: list[str]) -> MethodRuns:
    kept = pd.DataFrame({name: np.asarray(runs[name]) for name in ("setting", "seed", "healthy", *deciding)})
    return MethodRuns(name, dataset, numbers, kept.astype({"setting": "int64", "seed": "int64"}))


def numbers_of(method: MethodRuns, setting: int) -> dict[str, float | str]:
    """Return address → value of one setting, without numbers that the method does not have."""
    values = method.numbers.loc[setting].dropna().items()
    return {str(address): value if isinstance(value, str) else float(value) for address, value in values}


def _filled(runs: pd.DataFrame, name: str, fill: float) -> Values:
    """Return a metric with the worst value for runs without one, where their trial asked for the metric."""
    values = np.asarray(runs[name], dtype=np.float64)
    asked = np.isfinite(np.asarray(runs[f"{name}_floor"], dtype=np.float64))
    return np.where(asked, scored(values, fill) if np.isfinite(fill) else values, np.nan)
