"""What a run over many settings says: a sentence and a table, one row per method."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ganbench.analysis.budget import budget_curve, median_best, settings_needed
from ganbench.analysis.pairwise import ALPHA, pairwise_of
from ganbench.analysis.robustness import robustness_of
from ganbench.analysis.settings import MethodRuns, Varied, varied
from ganbench.analysis.tuned import tuned_of
from ganbench.core.naming import without_common_parts
from ganbench.report.wording import NONE, name_of, number

if TYPE_CHECKING:
    import pandas as pd

    from ganbench.core.column import Column
    from ganbench.tables.results import Results

ONE_SETTING = (
    "Each method was trained at one hyper-parameter setting: at other rates or strengths the order may be another "
    "(`vary:` in a suite trains every method at many settings)."
)


@dataclass(frozen=True)
class Method:
    """A row: a method's name, the share of healthy runs with its interval, and its values, as texts."""

    name: str
    healthy: str
    interval: str
    width: tuple[float, float, float]
    over: str
    best: list[str]
    needed: str
    tuned: str


@dataclass(frozen=True)
class OverSettings:
    """What a data set's methods do over the settings.

    Attributes:
        sentence: the answer. lead: the metric that is meant. settings: how many. budgets: of `best`, in settings.
    """

    sentence: str
    lead: str
    settings: int
    seeds: int
    budgets: list[int]
    methods: list[Method]


def over_settings(results: Results, judged: pd.DataFrame) -> dict[str, OverSettings]:
    """Return data set → what its methods do over the settings; empty where a run is of one setting.

    `judged` are its verdicts, one row per run.
    """
    if "setting" not in results.runs or not np.any(results.runs["setting"].notna()):
        return {}
    swept, confirmed = varied(results, judged=judged), varied(results, "confirm", judged)
    robust, tuned = robustness_of(swept), tuned_of(confirmed)
    pairs = pairwise_of(swept)
    return {dataset: _of_dataset(dataset, swept, robust, tuned, pairs) for dataset in swept.measures}


def _of_dataset(
    dataset: str, swept: Varied, robust: pd.DataFrame, tuned: pd.DataFrame, pairs: pd.DataFrame
) -> OverSettings:
    lead, methods = swept.leading(dataset), {m.method: m for m in swept.on(dataset)}
    rows = [row for row in robust.to_dict("records") if row["dataset"] == dataset]
    names = {method: name.replace(" · none", ", plain") for method, name in without_common_parts(methods).items()}
    of_tuned = {r["method"]: r for r in tuned.to_dict("records") if (r["dataset"], r["place"]) == (dataset, 1)}
    settings = max(int(row["settings"]) for row in rows)
    budgets = sorted({1, min(4, settings), settings})
    made = []
    for row in rows:
        values = methods[str(row["method"])].by_setting(lead.name).to_numpy()
        best = [number(median_best(values, min(k, len(values)), lead.direction)) for k in budgets]
        final = of_tuned.get(row["method"])
        made.append(
            Method(
                name=names[str(row["method"])],
                healthy=f"{100 * row['healthy']:.0f} %",
                interval=f"{100 * row['healthy_low']:.0f} to {100 * row['healthy_high']:.0f} %",
                width=(_percent(row["healthy_low"]), _percent(row["healthy"]), _percent(row["healthy_high"])),
                over=_value(row, lead.name),
                best=best,
                needed=_needed(methods[str(row["method"])], lead),
                tuned=NONE if final is None else f"{_value(final, lead.name)}, {100 * final['healthy']:.0f} % healthy",
            )
        )
    seeds = max(int(row["runs"]) // max(1, int(row["settings"])) for row in rows)
    told_apart = any(p < ALPHA and of == dataset for p, of in zip(pairs["p_holm"], pairs["dataset"], strict=True))
    return OverSettings(_sentence(made, settings, lead, told_apart), name_of(lead), settings, seeds, budgets, made)


def _sentence(made: Sequence[Method], settings: int, lead: Column, told_apart: bool) -> str:
    first, last = made[0], made[-1]
    text = f"Over {settings} settings, "
    text += "" if told_apart or len(made) < 2 else "no method can be told from another: "
    text += f"{first.name} stays healthy in {first.healthy} [{first.interval}]"
    if len(made) > 1:
        text += f", {last.name} in {last.healthy} [{last.interval}]"
    if first.tuned != NONE:
        text += f". Tuned, on fresh seeds: {first.name} {name_of(lead)} {first.tuned}"
        text += f"; {last.name} {last.tuned}" if len(made) > 1 and last.tuned != NONE else ""
    return text + "."


def _percent(share: float) -> float:
    return round(100 * share, 1)


def _needed(method: MethodRuns, lead: Column) -> str:
    """Return the budget at which the expected best is within 5 % of the best of all."""
    values = method.by_setting(lead.name).to_numpy()
    return str(settings_needed(budget_curve(values, lead.direction))) if np.isfinite(values).any() else NONE


def _value(row: Mapping[Hashable, Any], name: str) -> str:
    low, high = float(row[f"{name}_low"]), float(row[f"{name}_high"])
    value = number(float(row[name]))
    return f"{value} ± {number((high - low) / 2, 2)}" if np.isfinite(high - low) else value
