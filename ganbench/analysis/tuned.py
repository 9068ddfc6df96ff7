"""What each method reaches when it is tuned: its best settings, on fresh seeds that chose nothing."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd

from ganbench.analysis.multiplicity import holm
from ganbench.analysis.permutation import permutation_test
from ganbench.analysis.settings import MethodRuns, Varied, varied
from ganbench.analysis.statistics import mean, scaled, t_interval, wilson
from ganbench.tables.results import Results


def tuned(results: Results) -> pd.DataFrame:
    """Return a row per method and confirmed setting, a method's best of the sweep first.

    Columns: `dataset method place setting`, the setting's numbers by address, `runs`, `healthy` (the share of seeds
    with that verdict) with `healthy_low healthy_high` (Wilson), and each metric that decides a ranking with `_low` and
    `_high` (t over seeds), 95 %. The seeds chose nothing, so that no value is flattered by having been the best of
    many. Empty
    where the suite confirms nothing.

    Raises:
        UsageError: the run is of one setting.
    """
    return tuned_of(varied(results, "confirm"))


def tuned_of(methods: Varied) -> pd.DataFrame:
    """Return the same of methods that are loaded already."""
    rows = [
        _row(method, place, setting, [column.name for column in methods.measures[method.dataset]])
        for method in methods.methods
        for place, setting in enumerate(method.runs["setting"].drop_duplicates(), 1)
    ]
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=["dataset", "method", "place", "setting", "runs"])


def _row(method: MethodRuns, place: int, setting: int, measures: list[str]) -> dict[str, object]:
    runs = method.runs[method.runs["setting"] == setting]
    row: dict[str, object] = {"dataset": method.dataset, "method": method.method, "place": place, "setting": setting}
    row |= {str(address): value for address, value in method.numbers.loc[setting].items()} | {"runs": len(runs)}
    for name in measures:
        values = np.asarray(runs[name], dtype=np.float64)
        values = values[np.isfinite(values)]
        interval = wilson(int(values.sum()), len(values)) if name == "healthy" else t_interval(values)
        row[name] = scaled(np.mean, values) if len(values) else math.nan
        row |= {f"{name}_low": interval.low, f"{name}_high": interval.high}
    return row


def tuned_pairs(results: Results, measure: str | None = None) -> pd.DataFrame:
    """Return a row per pair of methods of a data set, each at its best setting on fresh seeds.

    Columns: `dataset measure better worse runs difference p p_holm`; `runs` is of the smaller arm. `p` is the exact
    permutation test's (`ganbench.analysis.permutation`), two-sided as twice the smaller side; `p_holm` is Holm's over
    all pairs of the data set.

    Args:
        results: of a run with `vary` and `confirm`.
        measure: a metric that decides a ranking, or `healthy`; by default the first metric.

    Raises:
        UsageError: the run is of one setting, or has no such measure.
    """
    return tuned_pairs_of(varied(results, "confirm"), measure)


def tuned_pairs_of(methods: Varied, measure: str | None = None) -> pd.DataFrame:
    """Return the same of methods that are loaded already."""
    columns = ["dataset", "measure", "better", "worse", "runs", "difference", "p", "p_holm"]
    tables = []
    for dataset in methods.measures:
        column = methods.leading(dataset, measure)
        sign = -1.0 if column.direction == "lower" else 1.0
        values = {method.method: sign * _chosen(method, column.name) for method in methods.on(dataset)}
        rows = []
        for first, second in itertools.combinations(values, 2):
            ordered = (second, first) if mean(values[second]) > mean(values[first]) else (first, second)
            arms = [values[name] for name in ordered]
            fewest, difference, p = min(map(len, arms)), math.nan, math.nan
            if fewest:  # a method may lack the measure
                p = min(1.0, 2.0 * permutation_test(arms[0], arms[1]).p)
                difference = sign * (mean(arms[0]) - mean(arms[1]))
            rows.append((dataset, column.name, *ordered, fewest, difference, p, math.nan))
        table = pd.DataFrame(rows, columns=columns)
        if len(table):
            tables.append(table.assign(p_holm=holm(table["p"].tolist())).sort_values("p", kind="stable"))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def _chosen(method: MethodRuns, measure: str) -> np.ndarray:
    """Return the values of a method's best setting, one of each seed."""
    best = method.runs["setting"].iloc[0]
    return method.runs.loc[method.runs["setting"] == best, measure].dropna().to_numpy(dtype=np.float64)
