"""Which trial held up best on each data set, and how sure the seeds make it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ganbench.analysis.estimators import Values, iqm, mean, median, scored, sd, worst
from ganbench.analysis.intervals import median_interval, t_interval
from ganbench.core.column import Column
from ganbench.core.status import Status
from ganbench.core.trial import AXES
from ganbench.tables.results import Results

STATISTICS = ("n", "mean", "iqm", "median", "sd", "low", "high")
_MEDIAN = ("median_low", "median_high")  # in the table alone, not on pages
COUNTS = {"ok": Status.OK, "diverged": Status.DIVERGED, "failed": Status.FAILED, "timeout": Status.TIMEOUT}
FINISHED = [str(Status.OK), str(Status.DIVERGED)]


def ranking(results: Results) -> pd.DataFrame:
    """Return a row a trial, data sets in the order of the runs and the best trial of each first.

    The order is that of the mean of the metric that declares `leading=1`, ties by the next: `modes_captured`,
    `hq_fraction`, then `fid`, those of them that the data set has (else its first metric with a direction).
    The mean and not the IQM decides: an IQM over eight seeds is the same
    whether two of them collapsed or none. Trials with equal numbers share a rank, unless more of one's runs
    diverged; one without any finished run, or without a metric that decides, has none and comes last.

    A finished run without a value, above all a diverged one, counts as the worst value that any run of the data set
    has in that column, and as at most 0 where higher is better (`worst`); where a trial did not ask for a metric, it
    has none. FAILED and TIMEOUT are missing results:
    counted in their own columns, in no average.

    Columns: `dataset rank trial`, the other axes, `runs ok diverged failed timeout ms_per_step`, then for each metric
    `<metric>_n` (values that were averaged), `_mean _iqm _median _sd`, `_low _high`, the 95 % t
    interval of the mean, and `_median_low _median_high`, the median's of order statistics, which covers what it says
    with skewed seeds too; NaN where undefined (no value; fewer than two, or than five for the median's interval).
    """
    metrics = metric_columns(results)
    frames = [_rank(runs, metrics) for _, runs in results.runs.groupby("dataset", sort=False)]
    return pd.concat(frames, ignore_index=True) if frames else _typed([], metrics)


def metric_columns(results: Results) -> dict[str, Column]:
    """Return the declared metrics of the runs table, by name: those of its own columns that have a floor."""
    return {name: results.columns[name] for name in results.runs.columns if f"{name}_floor" in results.runs.columns}


def order_by(runs: pd.DataFrame, metrics: Mapping[str, Column]) -> list[str]:
    """Return the metrics that decide the order on a data set, those with a direction and a value there.

    They are those that declare a `leading` place, in its order; without one it is the first metric.
    """
    usable = [name for name, column in metrics.items() if column.direction and np.isfinite(_numbers(runs, name)).any()]
    return (
        sorted((name for name in usable if metrics[name].leading), key=lambda name: metrics[name].leading) or usable[:1]
    )


def _rank(runs: pd.DataFrame, metrics: Mapping[str, Column]) -> pd.DataFrame:
    """Return the ranked trials of one data set."""
    numbers = {name: _numbers(runs, name) for name in ("ms_per_step", *metrics, *(f"{m}_floor" for m in metrics))}
    fills = {name: worst(numbers[name], column.direction) for name, column in metrics.items()}
    # Rows are picked out of plain arrays: slicing a frame for each of thousands of trials takes ten times as long.
    places_of = runs.groupby("trial", sort=False).indices
    first = runs.drop_duplicates("trial").to_dict("records")
    statuses = runs["status"].to_numpy(dtype=object)
    rows = []
    for labels in first:
        at = places_of[labels["trial"]]
        ended = Counter(statuses[at])
        rows.append(
            {name: labels[name] for name in ("trial", *AXES)}
            | {"rank": None, "runs": len(at), **{name: ended[status] for name, status in COUNTS.items()}}
            | _numbers_of_trial(numbers, at[np.isin(statuses[at], FINISHED)], fills)
        )
    keys = order_by(runs, metrics)
    signs = [-1.0 if metrics[key].direction == "higher" else 1.0 for key in keys]
    lost = [row["diverged"] / max(row["ok"] + row["diverged"], 1) for row in rows]  # breaks ties with what it counts as
    means = [[sign * row[f"{key}_mean"] for key, sign in zip(keys, signs, strict=True)] for row in rows]
    places = [(*values, share) for values, share in zip(means, lost, strict=True)]
    ranked = sorted((i for i in range(len(rows)) if keys and np.isfinite(places[i]).all()), key=places.__getitem__)
    for place, i in enumerate(ranked):
        tied = place > 0 and places[i] == places[ranked[place - 1]]
        rows[i]["rank"] = rows[ranked[place - 1]]["rank"] if tied else place + 1
    unranked = [row for row in rows if row["rank"] is None]
    return _typed([*(rows[i] for i in ranked), *unranked], metrics)


def _numbers_of_trial(numbers: Mapping[str, Values], at: np.ndarray, fills: Mapping[str, float]) -> dict[str, float]:
    """Return the columns of one trial, from its finished runs."""
    row = {"ms_per_step": mean(numbers["ms_per_step"][at])}
    for name, fill in fills.items():
        # Every metric that a trial asked for has its floor there, however its runs ended.
        asked = np.isfinite(numbers[f"{name}_floor"][at]).any()
        found = _statistics(numbers[name][at if asked else at[:0]], fill)
        row |= {f"{name}_{statistic}": value for statistic, value in found.items()}
    return row


def _numbers(runs: pd.DataFrame, name: str) -> Values:
    return np.asarray(runs[name] if name in runs else np.full(len(runs), np.nan), dtype=np.float64)


def _statistics(values: Values, fill: float) -> dict[str, float]:
    x = scored(values, fill)
    t, middle = t_interval(x), median_interval(x)
    numbers = (len(x), mean(x), iqm(x), median(x), sd(x), t.low, t.high, middle.low, middle.high)
    return dict(zip(STATISTICS + _MEDIAN, numbers, strict=True))


def _typed(rows: Sequence[Mapping[str, Any]], metrics: Mapping[str, Column]) -> pd.DataFrame:
    types: dict[str, str] = {"dataset": "string", "rank": "Int64", "trial": "string"}
    types |= dict.fromkeys(AXES[1:], "string")
    types |= dict.fromkeys(("runs", *COUNTS), "Int64")
    types["ms_per_step"] = "float64"
    for name in metrics:
        types |= {f"{name}_{s}": "Int64" if s == "n" else "float64" for s in STATISTICS + _MEDIAN}
    columns: dict[str, Any] = {name: pd.Series([row[name] for row in rows], dtype=kind) for name, kind in types.items()}
    return pd.DataFrame(columns)
