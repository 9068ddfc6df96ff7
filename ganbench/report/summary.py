"""The page's answer without the page: plain data for tools, and Markdown for a pull request."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from ganbench.analysis.ranking import COUNTS, STATISTICS, metric_columns, ranking
from ganbench.analysis.verdicts import verdict_shares, verdicts
from ganbench.core.markdown import escaped, table
from ganbench.core.naming import AXES, bare_names
from ganbench.core.results_files import Json
from ganbench.report import about
from ganbench.report.dataset_results import DatasetResults, Ranked, floor_of
from ganbench.report.headline import headline
from ganbench.report.monitored import monitored
from ganbench.report.over_settings import OverSettings, over_settings
from ganbench.report.searched import Objective, Searched, objective_of, searched
from ganbench.report.seed_groups import joined
from ganbench.report.wording import NONE, count, label, name_of, number

if TYPE_CHECKING:
    import pandas as pd

    from ganbench.core.column import Column
    from ganbench.tables.results import Results

FORMAT = 1
MOST_ROWS = 50  # of a data set in Markdown; a step summary holds one megabyte


class AnalysedResults:
    """The results of a run with their ranking and their verdicts, worked out once for everything that shows them.

    Trials that differ in their seeds alone are one here (`ganbench.report.seed_groups`).
    """

    def __init__(self, results: Results) -> None:
        self.results = joined(results)

    @cached_property
    def ranking(self) -> pd.DataFrame:
        """Return one row per trial."""
        return ranking(self.results)

    @cached_property
    def verdicts(self) -> pd.DataFrame:
        """Return one row per run."""
        return verdicts(self.results)

    @cached_property
    def settings(self) -> dict[str, OverSettings]:
        """Return data set → what its methods do over settings; empty where a run is of one setting."""
        return over_settings(self.results, self.verdicts)

    @cached_property
    def objective(self) -> Objective | None:
        """Return what a search tuned; None where the run is none."""
        return objective_of(self.results.suite, metric_columns(self.results))

    @cached_property
    def rows(self) -> dict[str, Ranked]:
        """Return data set → its rows of the ranking, a search's in the order of its objective; no rank is None."""
        rows: dict[str, list[Json]] = {str(name): [] for name in self.results.runs["dataset"].unique()}
        for row in self.ranking.to_dict("records"):
            rank = row["rank"] if isinstance(row["rank"], int) else None
            rows[str(row["dataset"])].append({**{str(k): value for k, value in row.items()}, "rank": rank})
        order = self.objective.order if self.objective is not None else list
        return {name: order(each) for name, each in rows.items()}

    @cached_property
    def searches(self) -> dict[str, Searched | None]:
        """Return data set → what a search found there; empty where the run is none."""
        if self.objective is None:
            return {}
        return {
            name: searched(self.results, self.verdicts, self.objective, rows, name) for name, rows in self.rows.items()
        }

    def sentence(self, data: DatasetResults, dataset: str) -> str:
        """Return the headline of a data set: of its methods over settings, of a search, of its trials."""
        found = self.settings.get(dataset) or self.searches.get(dataset)
        return f"On {data.name}: {found.sentence}" if found else headline(data)


def summary(analysed: AnalysedResults) -> Json:
    """Return what the page says as JSON can hold it; numbers have six digits, undefined ones are null.

    Keys: `format`, `suite`, `run`; `datasets`, each `name`, `dataset`, `headline`, `lead` (the metric that decides the
    order), `floors` (what real samples get), `judged` (the values of `extractor`, `n_real` and `n_fake`) and `trials`,
    best first, each with its axes, `rank`, `metrics` (metric → `n mean iqm median sd low high`), how its runs ended,
    and `verdicts` (verdict → `runs share low high`); `skipped` (reason and names); `columns` (metric → title,
    meaning, unit, direction).
    """
    results = analysed.results
    metrics, shares = metric_columns(results), _shares(analysed.verdicts)
    called = bare_names([str(name) for name in results.runs["dataset"].unique()])
    datasets = [
        _dataset(analysed, called[str(name)], runs, metrics, shares)
        for name, runs in results.runs.groupby("dataset", sort=False)
    ]
    watched = monitored(results, analysed.verdicts, metrics)
    if watched is not None:
        datasets = [{**data, "headline": watched.sentence} for data in datasets]
    return {
        "format": FORMAT,
        "suite": results.manifest.suite or results.path.parent.name,
        "run": results.manifest.run or results.path.name,
        "datasets": datasets,
        "skipped": [{"reason": s.reason, "names": list(s.names)} for s in about.skipped(results.manifest)],
        "columns": {
            name: {"title": name_of(c), "meaning": c.meaning, "unit": c.unit, "direction": c.direction}
            for name, c in metrics.items()
        },
    }


def markdown(analysed: AnalysedResults) -> str:
    """Return the headline, one table per data set with its best trials first, and what was skipped."""
    data = summary(analysed)
    lines = [f"## {escaped(data['suite'])}", ""]
    for dataset in data["datasets"]:
        lines += [f"**{escaped(dataset['headline'])}**", ""]
    for dataset in data["datasets"]:
        lines += _section(dataset, data["columns"])
    if data["skipped"]:
        skipped = sum(len(s["names"]) for s in data["skipped"])
        lines += [f"<details><summary>{count(skipped, 'combination')} skipped</summary>", ""]
        lines += [f"- {escaped(s['reason'])}: {', '.join(map(escaped, s['names'][:20]))}" for s in data["skipped"]]
        lines += ["", "</details>", ""]
    lines.append(
        "Means over seeds with 95 % t intervals, too narrow where only a few seeds fail; "
        f"diverged runs count as the worst. Run `{data['run']}`."
    )
    return "\n".join(lines) + "\n"


def _dataset(
    analysed: AnalysedResults,
    name: str,
    runs: pd.DataFrame,
    metrics: Mapping[str, Column],
    shares: Mapping[str, dict[str, dict[str, float]]],
) -> Json:
    dataset = str(runs["dataset"].iloc[0])
    rows = analysed.rows[dataset]
    data = DatasetResults(name, rows, runs, metrics, analysed.objective.column if analysed.objective else None)
    known = [m for m in metrics if any(row[f"{m}_n"] for row in rows)]
    return {
        "name": name,
        "dataset": dataset,
        "headline": analysed.sentence(data, dataset),
        "lead": data.lead.name if data.lead else None,
        "floors": {m: _plain(floor_of(m, runs)) for m in known},
        "judged": {column: _all(runs, column) for column in ("extractor", "n_real", "n_fake")},
        "trials": [
            {
                "rank": row["rank"],
                "trial": row["trial"],
                "label": str(label(row, data.named)),
                **{axis: row[axis] for axis in AXES},
                "runs": row["runs"],
                **{status: row[status] for status in COUNTS},
                "ms_per_step": _plain(row["ms_per_step"]),
                "metrics": {m: {s: _plain(row[f"{m}_{s}"]) for s in STATISTICS} for m in known if row[f"{m}_n"]},
                "verdicts": shares.get(row["trial"], {}),
            }
            for row in rows
        ],
    }


def _all(runs: pd.DataFrame, column: str) -> list[object]:
    """Return the values of a column, one unless trials were judged in different ways."""
    return runs[column].dropna().unique().tolist() if column in runs else []


def _shares(judged: pd.DataFrame) -> dict[str, dict[str, dict[str, float]]]:
    shares: dict[str, dict[str, dict[str, float]]] = {}
    for row in verdict_shares(judged).to_dict("records"):
        kept = {name: row[name] for name in ("runs", "share", "low", "high")}
        shares.setdefault(str(row["trial"]), {})[str(row["verdict"])] = kept
    return shares


def _section(dataset: Json, columns: Mapping[str, Mapping[str, str]]) -> list[str]:
    metrics = [metric for metric in dataset["floors"] if columns[metric]["direction"]]
    if dataset["lead"]:
        metrics = [dataset["lead"], *(m for m in metrics if m != dataset["lead"])]
    ways = {"higher": " ↑", "lower": " ↓"}
    heads = ["#", "trial", *(escaped(columns[m]["title"]) + ways.get(columns[m]["direction"], "") for m in metrics)]
    real = ["", "*real samples*", *(number(_nan(dataset["floors"][m])) for m in metrics), "", ""]
    trials = dataset["trials"]
    rows = [_cells(trial, metrics) for trial in trials[:MOST_ROWS]]
    right = [True, False, *[True] * len(metrics), False, False]
    lines = [
        f"### {escaped(dataset['name'])}",
        "",
        *table([*heads, "verdicts", "runs"], [real, *rows] if metrics else rows, right),
    ]
    lines += ["", _judged(dataset["judged"])]
    if len(trials) > MOST_ROWS:
        lines += ["", f"{len(trials) - MOST_ROWS:,} more trials are in the tables."]
    return [*lines, ""]


def _judged(judged: Mapping[str, list[object]]) -> str:
    """Return what the numbers depend on, in a sentence."""
    if not any(judged.values()):
        return "No run got so far that its samples were judged."
    fake, real = (", ".join(f"{n:,}" for n in judged[column]) or NONE for column in ("n_fake", "n_real"))
    names = ", ".join(escaped(str(name)) for name in judged["extractor"]) or NONE
    return f"Judged on {fake} generated against {real} held-out real samples; features: {names}."


def _cells(trial: Json, metrics: list[str]) -> list[str]:
    verdict = ", ".join(f"{v['runs']} {escaped(name)}" for name, v in trial["verdicts"].items())
    ended = ", ".join(f"{trial[s]} {s}" for s in COUNTS if trial[s])
    values = [_value(trial["metrics"].get(m)) for m in metrics]
    return [str(trial["rank"] or ""), escaped(trial["label"]), *values, verdict, ended]


def _value(statistics: Json | None) -> str:
    if not statistics or statistics["mean"] is None:
        return NONE
    if statistics["low"] is None or statistics["low"] == statistics["high"]:  # all seeds agree: no interval
        return number(statistics["mean"])
    return f"{number(statistics['mean'])} ± {number((statistics['high'] - statistics['low']) / 2, 2)}"


def _plain(value: float | int) -> float | int | None:
    if isinstance(value, int):
        return value
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _nan(value: float | None) -> float:
    return math.nan if value is None else value
