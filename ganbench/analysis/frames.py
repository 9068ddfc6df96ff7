"""A run's tables as a person reads and plots them: every row named, one row per thing that was measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from ganbench.analysis.labels import labels, trial_labels
from ganbench.analysis.parameters import parameters, read_json, varying
from ganbench.analysis.ranking import metric_columns, ranking
from ganbench.analysis.verdicts import verdicts
from ganbench.core.column import Column
from ganbench.core.errors import UsageError
from ganbench.tables.results import Results

JSON_CELLS = ("versions", "environment")  # frames of their own: `components`, `environments`
LABEL = Column("label", "what is trained, in as few words as tell it apart on its data set", dtype="string")
_IDENTIFIERS = ("run", "trial")
VERDICT = Column("verdict", "what went wrong with the run, or healthy", dtype="string")


def readable_runs(results: Results, judged: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return one row per run: `label seed verdict status dataset`, `param.*`, its metrics and all else.

    `label` names what is trained in a few words, the same for all seeds and different for everything else on that data
    set. `param.*` are the numbers that differ among trials, such as `param.optimizer.lr` and `param.r1.gamma`; empty
    where a trial has no such number. Columns of JSON are left out.

    Args:
        results: the tables.
        judged: their verdicts, where they are known already.
    """
    runs = results.runs
    judged = verdicts(results) if judged is None else judged
    columns = {"label": labels(runs), "seed": runs["seed"], "verdict": judged["verdict"].array}
    columns |= {name: runs[name] for name in ("status", "dataset")}
    columns |= dict(sorted(_numbers(results).items()))
    left_out = (*varying(results), *JSON_CELLS, *_IDENTIFIERS)
    columns |= {name: runs[name] for name in runs if name not in columns and name not in left_out}
    return pd.DataFrame({**columns, **{name: runs[name] for name in _IDENTIFIERS}}, index=runs.index)


def readable_ranking(results: Results, full: bool = False) -> pd.DataFrame:
    """Return one row per trial, the best of each data set first: `rank label dataset trial runs diverged`, then means.

    Means are of the metrics that have a better direction. With `full` each metric has all its statistics, and the other
    columns of `ganbench.analysis.ranking` follow.
    """
    ranked, names = ranking(results), trial_labels(results.runs)
    ranked.insert(0, "label", pd.array([names[trial] for trial in ranked["trial"]], dtype="string"))
    means = [f"{name}_mean" for name, column in metric_columns(results).items() if column.direction]
    first = ["rank", "label", "dataset", "trial", "runs", "diverged", *means]
    return _first(ranked, first) if full else ranked.loc[:, first]


def readable_verdicts(results: Results, judged: pd.DataFrame) -> pd.DataFrame:
    """Return one row per run: `label seed verdict cause evidence remedy`, then what else its verdict says."""
    named = dict(zip(results.runs["run"], labels(results.runs), strict=True))
    frame = judged.assign(label=pd.array([named[run] for run in judged["run"]], dtype="string"))
    return _first(frame, ["label", "seed", "verdict", "cause", "evidence", "remedy"])


def readable_comparison(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a comparison with what is read first in front."""
    return _first(rows, ["label", "metric", "outcome", "baseline", "now", "difference", "p_worse", "p_better"])


def _first(frame: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    return frame.loc[:, [*names, *(str(name) for name in frame if name not in names)]]


def declarations(results: Results) -> dict[str, Column]:
    """Return the declarations of the tables' columns, and of those that `readable_runs` adds."""
    columns = {**results.columns, **{column.name: column for column in (LABEL, VERDICT)}}
    for name, values in _numbers(results).items():
        address = name.removeprefix("param.")
        usual = Column(name, f"{address} of the run's trial", dtype="string" if values.dtype == "string" else "float64")
        columns[name] = replace(columns[address], name=name) if address in columns else usual
    return columns


def diagnostics(results: Results) -> pd.DataFrame:
    """Return one row per run and step at which training was logged: its names, the step, every diagnostic."""
    return _measured(results, [name for name in _measures(results) if name not in results.runs])


def evaluations(results: Results) -> pd.DataFrame:
    """Return one row per run and step at which samples were judged: its names, the step, every metric."""
    return _measured(results, [name for name in _measures(results) if name in results.runs])


def curve(results: Results, column: str) -> pd.DataFrame:
    """Return one row per run and step at which a column was computed: its names, the step, the value.

    Raises:
        UsageError: the history has no such column.
    """
    if column not in _measures(results):
        known = ", ".join(_measures(results)) or "none"
        raise UsageError(f"{results.path}: no curve {column!r} (known: {known}); take one of these")
    return _measured(results, [column])


def components(results: Results) -> pd.DataFrame:
    """Return one row per trial and component: its kind, its name and the version that made the numbers."""
    rows = [
        (trial, *name.partition(":")[::2], version)
        for trial, text in _of_trials(results.runs, "versions")
        for name, version in read_json(text).items()
    ]
    return pd.DataFrame(rows, columns=["trial", "kind", "name", "version"])


def environments(results: Results) -> pd.DataFrame:
    """Return one row per trial: the device, the machine and the versions of packages that it was trained with."""
    # The trial stands first, and is the table's own whatever a cell calls so.
    rows = [{"trial": t} | read_json(text) | {"trial": t} for t, text in _of_trials(results.runs, "environment")]
    return pd.DataFrame(rows, columns=None if rows else ["trial"])


def compiled_trials(results: Results) -> list[str]:
    """Return the trials whose steps were compiled: their last bits are others than those of eager steps."""
    places = environments(results)
    if "compiled" not in places:
        return []
    return [trial for trial, compiled in zip(places["trial"], places["compiled"], strict=True) if compiled is True]


def _measures(results: Results) -> list[str]:
    """Return the columns of the history that hold a measurement."""
    fixed = {"run", "trial", "seed", "step", "setting"}
    return [str(name) for name in results.history if name not in fixed]


def _measured(results: Results, columns: list[str]) -> pd.DataFrame:
    history = results.history
    kept = history.loc[history[columns].notna().any(axis=1)] if columns else history.iloc[:0]
    by_run = dict(
        zip(results.runs["run"], zip(results.runs["dataset"], labels(results.runs), strict=True), strict=True)
    )
    texts = [by_run.get(run, (pd.NA, pd.NA)) for run in kept["run"]]
    names = {"dataset": [text[0] for text in texts], "label": [text[1] for text in texts]}
    named = {name: pd.array(values, dtype="string") for name, values in names.items()}
    named |= {name: kept[name].array for name in ("trial", "run", "seed", "step")}
    return pd.DataFrame({**named, **{name: kept[name].array for name in columns}})


def _numbers(results: Results) -> dict[str, pd.Series]:
    """Return `param.*`: what differs among trials, and under `vary` what each setting has."""
    runs = results.runs
    return {**parameters(runs), **{f"param.{name}": runs.loc[:, name] for name in varying(results)}}


def _of_trials(runs: pd.DataFrame, column: str) -> Iterator[tuple[str, object]]:
    if column in runs:
        once = runs.drop_duplicates("trial")
        yield from zip(once["trial"].astype(str), once[column], strict=True)
