"""The numbers that differ among trials, `param.*`, read back from the labels that the tables keep."""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Iterator, Mapping

import pandas as pd

from ganbench.core import registry
from ganbench.core.naming import AXES, split
from ganbench.core.results_files import Json
from ganbench.tables.results import Results

_KINDS = {"dataset": "dataset", "network": "network", "loss": "loss", "tricks": "trick", "optimizer": "optimizer"}


def varying(results: Results) -> list[str]:
    """Return the columns of the numbers that a suite's `vary` changes from setting to setting."""
    return [name for name, column in results.columns.items() if column.varied and name in results.runs]


def parameters(runs: pd.DataFrame) -> dict[str, pd.Series]:
    """Return `param.*` for every number that is not the same in all trials, read from their labels."""
    written: dict[str, dict[str, object]] = {}  # trial → address → value
    full: dict[str, dict[str, object]] = {}  # with defaults
    for row in runs.drop_duplicates("trial").reindex(columns=["trial", *AXES, "versions"]).to_dict("records"):
        trial = str(row["trial"])
        written[trial], full[trial] = {}, {}
        versions = read_json(row["versions"])
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
    for one in split(text, "+") if several else [text]:
        name, bracket, inside = one.partition("(")
        if name == "none" and several:
            continue
        parts = [part.partition("=") for part in split(inside.removesuffix(")"), ",")] if bracket else []
        yield name, {key.strip(): _value(value) for key, equals, value in parts if equals}


def _value(text: str) -> object:
    try:
        value = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text.strip()
    return list(value) if isinstance(value, tuple) else value


def read_json(text: object) -> Json:
    """Return the mapping that a cell of the tables holds as JSON; an empty one where it holds none."""
    try:
        known = json.loads(text) if isinstance(text, str) else {}
    except (ValueError, RecursionError):
        return {}
    return known if isinstance(known, dict) else {}
