"""What tables and figures call each run: a few words that tell it from everything else on its data set."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from ganbench.core.naming import AXES, SEPARATOR, short_names

_SETTINGS = ("setting ", "settings ", "tuned: ")


def labels(runs: pd.DataFrame) -> pd.Series:
    """Return each run's label, `hinge · r1`: equal for the seeds of one trial and setting, and for nothing else there.

    Loss and tricks are always named, another axis where trials differ in it, the steps where nothing else differs.
    """
    keys = _keys(runs)
    texts_of = {key: {axis: str(row[axis]) for axis in AXES} for key, row in _first_rows(runs, keys)}
    settings: dict[tuple[str, object], str] = {}
    for key, row in _first_rows(runs, keys):
        parts = texts_of[key]["schedule"].split(", ")
        texts_of[key]["schedule"] = ", ".join(part for part in parts if not part.startswith(_SETTINGS)) or "default"
        settings[key] = _setting_of(row)
    datasets = {key: texts.pop("dataset") for key, texts in texts_of.items()}
    names: dict[tuple[str, object], str] = {}
    for dataset in dict.fromkeys(datasets.values()):
        there = {str(i): key for i, key in enumerate(texts_of) if datasets[key] == dataset}
        short = short_names({i: {"dataset": dataset, **texts_of[key]} for i, key in there.items()})
        names |= {key: short[i] + settings[key] for i, key in there.items()}
    names = _apart(names, datasets, {key: f"{row.get('steps')} steps" for key, row in _first_rows(runs, keys)})
    names = _apart(names, datasets, {key: key[0] for key in names})
    return pd.Series([names[key] for key in keys], index=runs.index, dtype="string")


def trial_labels(runs: pd.DataFrame) -> dict[str, str]:
    """Return each trial's label; one that holds several settings of `vary` says how many."""
    of_trials: dict[str, list[str]] = {}
    for trial, label in zip(runs["trial"].astype(str), labels(runs), strict=True):
        of_trials.setdefault(trial, []).append(label)
    names = {}
    for trial, texts in of_trials.items():
        several = len(set(texts))
        shared = texts[0].rpartition(f"{SEPARATOR}setting ")[0]
        names[trial] = texts[0] if several == 1 else f"{shared}{SEPARATOR}{several} settings"
    return names


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


def _setting_of(row: Mapping[Any, Any]) -> str:
    if _missing(row["setting"]):
        return ""
    tuned = "tuned: " if row["stage"] == "confirm" else ""
    return f"{SEPARATOR}{tuned}setting {int(row['setting'])}"


def _missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))
