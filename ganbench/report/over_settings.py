"""What a run over many settings says: a sentence and a table, one row per method."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ganbench.analysis.budget import budget_curve, budget_of, median_best, settings_needed
from ganbench.analysis.pairwise import distinguishable, pairwise_of
from ganbench.analysis.robustness import robustness_of
from ganbench.analysis.settings import MethodRuns, Varied, varied
from ganbench.analysis.tuned import tuned_of
from ganbench.core.naming import without_common_parts
from ganbench.report.budget_chart import budget_chart
from ganbench.report.dataset_results import floor_of
from ganbench.report.notes import agreement
from ganbench.report.wording import NONE, count, name_of, number

if TYPE_CHECKING:
    import pandas as pd

    from ganbench.core.column import Column
    from ganbench.tables.results import Results

ONE_SETTING = (
    "Each method was trained at one hyper-parameter setting; at other rates or strengths the order may be another. "
    "A suite with the key `vary` trains every method at many settings."
)


@dataclass(frozen=True)
class Method:
    """A row: a method's name, the share of healthy runs with its interval, and its values, as texts.

    Attributes:
        rank: one more than how many methods are told to be better (`ganbench.analysis.pairwise`).
        key: the whole name. name: what tells it from the others.
        width: the interval and the share in percent. over: the leading metric's mean over settings.
        best: at each budget. needed: the budget that is within 5 % of its best. tuned: on fresh seeds.
        cost: milliseconds a step and run.
    """

    rank: int
    key: str
    name: str
    healthy: str
    interval: str
    width: tuple[float, float, float]
    over: str
    best: list[str]
    needed: str
    tuned: str
    tuned_healthy: str
    cost: str


@dataclass(frozen=True)
class OverSettings:
    """What a data set's methods do over the settings.

    Attributes:
        sentence: the answer. lead: the metric that is meant. settings: how many. budgets: of `best`, in settings.
        told_apart: whether any two methods are told apart. chart: the budget curves, an `<svg>` element.
    """

    sentence: str
    lead: str
    settings: int
    seeds: int
    budgets: list[int]
    methods: list[Method]
    told_apart: bool
    chart: str


def over_settings(results: Results, judged: pd.DataFrame) -> dict[str, OverSettings]:
    """Return data set → what its methods do over the settings; empty where a run is of one setting.

    `judged` are its verdicts, one row per run.
    """
    if not of_settings(results):
        return {}
    swept, confirmed = varied(results, judged=judged), varied(results, "confirm", judged)
    tables = _Tables(
        robustness_of(swept),
        tuned_of(confirmed),
        distinguishable(pairwise_of(swept)),
        distinguishable(pairwise_of(swept, "healthy")),
        budget_of(swept),
        _costs(results.runs),
    )
    floors = {
        dataset: floor_of(swept.leading(dataset).name, results.runs.loc[results.runs["dataset"] == dataset])
        for dataset in swept.measures
    }
    return {
        dataset: _of_dataset(dataset, swept, tables, floors[dataset])
        for dataset in swept.measures
        if any(swept.on(dataset))
    }


def of_settings(results: Results) -> bool:
    """Return whether a run has settings."""
    return "setting" in results.runs and bool(np.any(results.runs["setting"].notna()))


@dataclass(frozen=True)
class _Tables:
    """What is known of all data sets; `apart` and `healthier` are the pairs that can be told apart."""

    robust: pd.DataFrame
    tuned: pd.DataFrame
    apart: pd.DataFrame
    healthier: pd.DataFrame
    budgets: pd.DataFrame
    costs: Mapping[str, float]


def _of_dataset(dataset: str, swept: Varied, tables: _Tables, floor: float) -> OverSettings:
    lead, methods = swept.leading(dataset), {m.method: m for m in swept.on(dataset)}
    rows = [row for row in tables.robust.to_dict("records") if row["dataset"] == dataset]
    names = {method: name.replace(" · none", ", plain") for method, name in without_common_parts(methods).items()}
    settings = max(int(row["settings"]) for row in rows)
    budgets = sorted({1, min(4, settings), settings})
    pairs = [table.loc[table["dataset"] == dataset] for table in (tables.apart, tables.healthier)]
    worse = Counter(pairs[1]["worse"])
    order = sorted(range(len(rows)), key=lambda i: worse[str(rows[i]["method"])])
    made = []
    for row in (rows[i] for i in order):
        key = str(row["method"])
        values = methods[key].by_setting(lead.name).to_numpy()
        best = [_best(values, k, lead) for k in budgets]
        tuned, tuned_healthy = _tuned(key, dataset, tables.tuned, lead, floor)
        made.append(
            Method(
                rank=1 + worse[key],
                key=key,
                name=names[key],
                healthy=f"{100 * row['healthy']:.0f} %",
                interval=f"{100 * row['healthy_low']:.0f} to {100 * row['healthy_high']:.0f} %",
                width=(_percent(row["healthy_low"]), _percent(row["healthy"]), _percent(row["healthy_high"])),
                over=_value(row, lead.name),
                best=best,
                needed=_needed(methods[key], lead),
                tuned=tuned,
                tuned_healthy=tuned_healthy,
                cost=number(tables.costs.get(key, math.nan)),
            )
        )
    seeds = max(int(row["runs"]) // max(1, int(row["settings"])) for row in rows)
    told_apart = any(len(table) > 0 for table in pairs)
    chart = budget_chart(tables.budgets.loc[tables.budgets["dataset"] == dataset], lead, {m.key: m.name for m in made})
    sentence = _sentence(made, settings, lead, told_apart)
    return OverSettings(sentence, name_of(lead), settings, seeds, budgets, made, told_apart, chart)


def _costs(runs: pd.DataFrame) -> dict[str, float]:
    """Return method → mean milliseconds a step and run, over its settings."""
    swept = runs.loc[runs["stage"] == "vary", ["method", "ms_per_step"]]
    return {str(name): float(part["ms_per_step"].mean()) for name, part in swept.groupby("method", sort=False)}


def _tuned(method: str, dataset: str, tuned: pd.DataFrame, lead: Column, floor: float) -> tuple[str, str]:
    """Return what a method reaches at its best setting on fresh seeds, and how many of those agree or stay healthy."""
    for row in tuned.to_dict("records"):
        if (row["method"], row["dataset"], row["place"]) == (method, dataset, 1):
            n = int(row["runs"])
            healthy = f"{100 * row['healthy']:.0f} % of {count(n, 'seed')} healthy"
            if n > 1 and row[f"{lead.name}_low"] == row[f"{lead.name}_high"]:  # no spread: an interval would be none
                agreed = agreement(n, float(row[lead.name]), lead, floor)
                return number(float(row[lead.name])), f"{agreed}; {healthy}"
            return _value(row, lead.name), healthy
    return NONE, ""


def _sentence(made: Sequence[Method], settings: int, lead: Column, told_apart: bool) -> str:
    first, last = made[0], made[-1]
    text = f"Over {settings} settings, "
    text += "" if told_apart or len(made) < 2 else "no method can be told from another: "
    text += f"{first.name} stays healthy in {first.healthy} [{first.interval}]"
    if len(made) > 1:
        text += f", {last.name} in {last.healthy} [{last.interval}]"
    if first.tuned != NONE:
        text += f". Tuned, on fresh seeds: {first.name} {name_of(lead)} {first.tuned} ({first.tuned_healthy})"
        text += f"; {last.name} {last.tuned}" if len(made) > 1 and last.tuned != NONE else ""
    return text + "."


def _best(values: np.ndarray, k: int, lead: Column) -> str:
    """Return the median best of k settings; none where the method lacks the metric."""
    return number(median_best(values, min(k, len(values)), lead.direction)) if len(values) else NONE


def _percent(share: float) -> float:
    return round(100 * share, 1)


def _needed(method: MethodRuns, lead: Column) -> str:
    """Return the budget at which the expected best is within 5 % of the best of all."""
    values = method.by_setting(lead.name).to_numpy()
    return str(settings_needed(budget_curve(values, lead.direction))) if np.isfinite(values).any() else NONE


def _value(row: Mapping[Hashable, Any], name: str) -> str:
    low, high = float(row[f"{name}_low"]), float(row[f"{name}_high"])
    value = number(float(row[name]))
    spread = high - low  # none where all agree, which is no interval of no width
    return f"{value} ± {number(spread / 2, 2)}" if np.isfinite(spread) and spread > 0 else value
