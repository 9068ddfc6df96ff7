"""A run's tables as a person reads and plots them: every row named, one row per thing that was measured."""

from __future__ import annotations

import ast
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from ganbench.analysis.verdicts import verdicts
from ganbench.core import registry
from ganbench.core.column import Column
from ganbench.core.errors import UsageError
from ganbench.core.naming import AXES, SEPARATOR, short_names
from ganbench.tables.results import Results

JSON_CELLS = ("versions", "environment")  # frames of their own: `components`, `environments`
LABEL = Column("label", "what is trained, in as few words as tell it apart on its data set", dtype="string")
VERDICT = Column("verdict", "what went wrong with the run, or healthy", dtype="string")
_KINDS = {"dataset": "dataset", "network": "network", "loss": "loss", "tricks": "trick", "optimizer": "optimizer"}
_BRACKETS = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}
_SETTINGS = ("setting ", "settings ", "tuned: ")


def readable_runs(results: Results, judged: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return one row per run: `run trial dataset label seed status verdict`, `param.*`, the others.

    `label` names what is trained in a few words, the same for all seeds and different for everything else on that data
    set. `param.*` are the numbers that differ among trials, such as `param.optimizer.lr` and `param.r1.gamma`; empty
    where a trial has no such number. Columns of JSON are left out.

    Args:
        results: the tables.
        judged: their verdicts, where they are known already.
    """
    runs = results.runs
    judged = verdicts(results) if judged is None else judged
    varied, numbers = _varied(results), _numbers(results)
    front = {name: runs[name] for name in ("run", "trial", "dataset")}
    front |= {"label": labels(runs), "seed": runs["seed"], "status": runs["status"], "verdict": judged["verdict"].array}
    shown = {**front, **dict(sorted(numbers.items()))}
    rest = [name for name in runs if name not in shown and name not in varied and name not in JSON_CELLS]
    return pd.DataFrame({**shown, **{name: runs[name] for name in rest}}, index=runs.index)


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
        (trial, *name.split(":", 1), version)
        for trial, text in _of_trials(results.runs, "versions")
        for name, version in _json(text).items()
    ]
    return pd.DataFrame(rows, columns=["trial", "kind", "name", "version"])


def environments(results: Results) -> pd.DataFrame:
    """Return one row per trial: the device, the machine and the versions of packages that it was trained with."""
    rows = [{"trial": trial, **_json(text)} for trial, text in _of_trials(results.runs, "environment")]
    return pd.DataFrame(rows, columns=None if rows else ["trial"])


def compiled_trials(results: Results) -> list[str]:
    """Return the trials whose steps were compiled: their last bits are others than those of eager steps."""
    places = environments(results)
    if "compiled" not in places:
        return []
    return [trial for trial, said in zip(places["trial"], places["compiled"], strict=True) if said is True]


def labels(runs: pd.DataFrame) -> pd.Series:
    """Return each run's label, `hinge · r1`: equal for the seeds of one trial and setting, and for nothing else there.

    Loss and tricks are always named, another axis where trials differ in it, the steps where nothing else differs.
    """
    keys = _keys(runs)
    told = {key: {axis: str(row[axis]) for axis in AXES} for key, row in _first_rows(runs, keys)}
    settings = {}
    for key, row in _first_rows(runs, keys):
        parts = told[key]["schedule"].split(", ")
        told[key]["schedule"] = ", ".join(part for part in parts if not part.startswith(_SETTINGS)) or "default"
        if not _missing(row.get("setting")):
            tuned = "tuned: " if row.get("stage") == "confirm" else ""
            settings[key] = f"{SEPARATOR}{tuned}setting {int(row['setting'])}"
    datasets = {key: texts.pop("dataset") for key, texts in told.items()}
    names: dict[tuple[str, object], str] = {}
    for dataset in dict.fromkeys(datasets.values()):
        there = {str(i): key for i, key in enumerate(told) if datasets[key] == dataset}
        short = short_names({i: {"dataset": dataset, **told[key]} for i, key in there.items()})
        names |= {key: short[i] + settings.get(key, "") for i, key in there.items()}
    names = _apart(names, datasets, {key: f"{row.get('steps')} steps" for key, row in _first_rows(runs, keys)})
    names = _apart(names, datasets, {key: key[0] for key in names})
    return pd.Series([names[key] for key in keys], index=runs.index, dtype="string")


def _apart(
    names: dict[tuple[str, object], str], datasets: Mapping[Any, str], more: Mapping[Any, str]
) -> dict[tuple[str, object], str]:
    """Return the names, with more added to those that several trials of a data set have."""
    times = Counter((datasets[key], name) for key, name in names.items())
    return {
        key: f"{name}{SEPARATOR}{more[key]}" if times[datasets[key], name] > 1 else name for key, name in names.items()
    }


def _keys(runs: pd.DataFrame) -> list[tuple[str, object]]:
    """Return what the seeds of one trial and setting share, a run each."""
    settings = runs["setting"].tolist() if "setting" in runs else [None] * len(runs)
    return [(str(t), None if _missing(s) else s) for t, s in zip(runs["trial"], settings, strict=True)]


def _first_rows(runs: pd.DataFrame, keys: Iterable[tuple[str, object]]) -> Iterator[tuple[tuple[str, object], Any]]:
    places = {key: i for i, key in reversed(list(enumerate(keys)))}
    records = runs.reindex(columns=[*AXES, "setting", "stage", "steps"]).to_dict("records")
    for key, i in sorted(places.items(), key=lambda item: item[1]):
        yield key, records[i]


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


def _varied(results: Results) -> list[str]:
    """Return the columns of the numbers that vary."""
    return [name for name, column in results.columns.items() if column.varied and name in results.runs]


def _numbers(results: Results) -> dict[str, pd.Series]:
    """Return `param.*`: what differs among trials, and under `vary` what each setting has."""
    runs = results.runs
    return {**_parameters(runs), **{f"param.{name}": runs.loc[:, name] for name in _varied(results)}}


def _parameters(runs: pd.DataFrame) -> dict[str, pd.Series]:
    """Return `param.*` for every number that is not the same in all trials, read from their labels."""
    written: dict[str, dict[str, object]] = {}  # trial → address → value
    full: dict[str, dict[str, object]] = {}  # with defaults
    for row in runs.drop_duplicates("trial").reindex(columns=["trial", *AXES, "versions"]).to_dict("records"):
        trial = str(row["trial"])
        written[trial], full[trial] = {}, {}
        versions = _json(row["versions"])
        for axis, kind in _KINDS.items():
            for name, values in _chosen(str(row[axis]), several=axis == "tricks"):
                place = name if axis == "tricks" else axis
                defaults = _defaults(kind, name, versions)
                written[trial] |= {f"param.{place}.{key}": value for key, value in values.items()}
                full[trial] |= {f"param.{place}.{key}": value for key, value in (defaults | values).items()}
        schedule = dict(part.split("=", 1) for part in str(row["schedule"]).split(", ") if "=" in part)
        updates = {
            f"param.{'' if key == 'batch' else 'training.'}{key}": _value(text) for key, text in schedule.items()
        }
        written[trial] |= updates
        full[trial] |= _UPDATES | updates
    addresses = dict.fromkeys(address for values in written.values() for address in values)
    columns = {}
    for address in addresses:
        of_trial = {trial: values.get(address) for trial, values in full.items()}
        if len({repr(value) for value in of_trial.values()}) > 1:
            columns[address] = _column([of_trial[str(trial)] for trial in runs["trial"]], runs.index)
    return columns


_UPDATES: dict[str, object] = {
    "param.training.n_critic": 1,
    "param.training.n_generator": 1,
    "param.training.ema": 0.0,
    "param.batch": 64,
}


def _column(values: list[object], index: pd.Index) -> pd.Series:
    """Return numbers as float64, anything else as text."""
    numeric = all(
        value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)) for value in values
    )
    if numeric:
        return pd.Series([math.nan if value is None else float(str(value)) for value in values], index=index)
    texts = [pd.NA if value is None else str(value) for value in values]
    return pd.Series(texts, index=index, dtype="string")


def _defaults(kind: str, name: str, versions: Mapping[str, object]) -> dict[str, object]:
    """Return a component's defaults, where this installation has the version that made the numbers."""
    cls = registry.components(kind).get(name)
    if cls is None or versions.get(f"{kind}:{name}", cls.revision()) != cls.revision():
        return {}
    return cls().parameters


def _chosen(text: str, *, several: bool) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield name and written parameters of each component of a label: `r1(gamma=0.1)+packing`."""
    for one in _split(text, "+") if several else [text]:
        name, bracket, inside = one.partition("(")
        if name == "none" and several:
            continue
        parts = [part.partition("=") for part in _split(inside.removesuffix(")"), ",")] if bracket else []
        yield name, {key.strip(): _value(value) for key, equals, value in parts if equals}


def _split(text: str, separator: str) -> list[str]:
    """Split a text where no bracket is open."""
    parts, depth = [""], 0
    for character in text:
        depth += _BRACKETS.get(character, 0)
        if character == separator and depth <= 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _value(text: str) -> object:
    try:
        value = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text.strip()
    return list(value) if isinstance(value, tuple) else value


def _of_trials(runs: pd.DataFrame, column: str) -> Iterator[tuple[str, object]]:
    if column in runs:
        once = runs.drop_duplicates("trial")
        yield from zip(once["trial"].astype(str), once[column], strict=True)


def _json(text: object) -> dict[str, Any]:
    try:
        known = json.loads(text) if isinstance(text, str) else {}
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}


def _missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))
