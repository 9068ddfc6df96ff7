"""`vary: {confirm: …}`: chooses each method's best settings from its finished trials, to be trained again."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.core.column import Column
from ganbench.suite.methods import Method

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class _Tried:
    """A setting of a method: its trial's place, its own in there, its number, and by column what its runs got.

    NaN stands for a diverged run.
    """

    trial: int
    setting: int
    number: int
    values: Mapping[str, Sequence[float]]


def best_settings(folder: Path, method: Method) -> list[tuple[int, int]]:
    """Return a method's settings that are to be confirmed, the best first: each one's trial and its place in there.

    The best setting has the best mean over its seeds of the column that `vary.metric` names; by default of the columns
    that decide a ranking, ties being broken by the next one. A run without a value counts as the worst of the method's.
    A setting whose trial failed is not chosen.

    Args:
        folder: `results/<suite>`, where the parts of the method's trials are.
        method: its trials have ended.
    """
    columns = _deciding(method)
    tried = [one for place in range(len(method.trials)) for one in _tried(folder, method, place, columns)]
    order = sorted(range(len(tried)), key=lambda i: (_scores(tried, i, columns), tried[i].number))
    return [(tried[i].trial, tried[i].setting) for i in order[: method.confirmed]]


def _deciding(method: Method) -> list[Column]:
    """Return the columns that choose, first to last."""
    declared = [column for metric in method.cell.metrics for column in metric.build().columns]
    if method.vary.metric is not None:
        return [column for column in declared if column.name == method.vary.metric]
    directed = [column for column in declared if column.direction]
    return sorted((c for c in directed if c.leading), key=lambda c: c.leading) or directed[:1]


def _tried(folder: Path, method: Method, place: int, columns: Sequence[Column]) -> list[_Tried]:
    from ganbench.tables import part_store

    trial, names = method.trials[place], [column.name for column in columns]
    runs = part_store.read_table(folder, trial.key, "runs", ["setting", *names])
    if runs is None:
        return []
    return [
        _Tried(place, i, setting.number, _values(runs, setting.number, names))
        for i, setting in enumerate(trial.settings)
    ]


def _values(runs: pd.DataFrame, number: int, names: Sequence[str]) -> dict[str, Sequence[float]]:
    rows = runs[runs["setting"] == number]
    return {name: [float(v) for v in rows[name]] if name in rows else [math.nan] * len(rows) for name in names}


def _scores(tried: Sequence[_Tried], i: int, columns: Sequence[Column]) -> tuple[float, ...]:
    """Return what to sort by, the best first: each column's mean, negated where higher is better."""
    scores = []
    for column in columns:
        sign = -1.0 if column.direction == "higher" else 1.0
        known = [sign * v for one in tried for v in one.values[column.name] if math.isfinite(v)]
        worst = max(known, default=0.0)
        values = [sign * v if math.isfinite(v) else worst for v in tried[i].values[column.name]]
        scores.append(sum(values) / len(values))
    return tuple(scores)
