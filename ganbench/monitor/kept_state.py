"""Looks at a state that somebody hands to a monitor, before anything of it is used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from ganbench.core import arguments
from ganbench.core.column import Column
from ganbench.core.errors import UsageError

State = Mapping[str, Any]  # what `Monitor.state_dict` returned, or a file kept of it
Check = Callable[[Any], bool]  # whether a value is of its kind

PLACE = "ganbench.Monitor.load_state_dict: state"
REMEDY = "give what Monitor.state_dict() returned, or leave the call out, which begins a new curve"


def check_state(state: object) -> State:
    """Return a state that has all that a monitor goes on with, each of the kind that it was written as.

    Raises:
        UsageError: names what is wrong.
    """
    if not isinstance(state, Mapping):
        raise UsageError(f"{PLACE} is {arguments.shown(state)}; {REMEDY}")
    _check_keys("", state, KEYS)
    # Older states lack the name of the features, and what was said.
    if (reference := state["reference"]) is not None:
        _check_keys("reference.", {"extractor": "", **reference}, REFERENCE)
    _check_keys("scrutiny.", {"said": {}, "ranked_right": False, **state["scrutiny"]}, SCRUTINY)
    written = {name for rows in (state["history"], *state["layers"].values()) for name in rows["columns"]}
    if undeclared := sorted(written - {column["name"] for column in state["columns"]}):
        raise UsageError(f"{PLACE} does not declare the column {undeclared[0]!r}; {REMEDY}")
    return state


def _check_keys(place: str, state: State, keys: Mapping[str, Check]) -> None:
    for key, fits in keys.items():
        if key not in state:
            raise UsageError(f"{PLACE} lacks {place + key!r}; {REMEDY}")
        if not fits(state[key]):
            raise UsageError(f"{PLACE} has {arguments.shown(state[key])} as {place + key!r}; {REMEDY}")


def _count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def _number(value: object) -> bool:
    return isinstance(value, float) or _count(value)


def _text(value: object) -> bool:
    return isinstance(value, str) and "\0" not in value


def _numbers(value: object, of: Callable[[object], bool] = _number) -> bool:
    return isinstance(value, list) and all(map(of, value))


def _rows(value: object) -> bool:
    """Say whether these are the steps and columns of a history of one seed."""
    if not isinstance(value, Mapping):
        return False
    steps, columns = value.get("steps"), value.get("columns")
    if not isinstance(steps, Tensor) or steps.dtype != torch.int64 or steps.dim() != 1:
        return False
    rising = bool((steps.diff() > 0).all()) and bool((steps >= 0).all())
    return rising and isinstance(columns, Mapping) and all(_column(*item, len(steps)) for item in columns.items())


def _column(name: object, column: object, rows: int) -> bool:
    return _text(name) and isinstance(column, Tensor) and column.is_floating_point() and column.shape == (rows,)


def _columns(value: object) -> bool:
    """Say whether these declare columns."""
    try:
        return isinstance(value, list) and all(_text(Column(**one).name) for one in value)
    except TypeError:
        return False


def _layers(value: object) -> bool:
    return isinstance(value, Mapping) and all(_text(name) and _rows(rows) for name, rows in value.items())


def _snapshots(value: object) -> bool:
    pairs = value.items() if isinstance(value, Mapping) else [(None, None)]
    return all(_count(step) and isinstance(points, Tensor) and points.dim() > 1 for step, points in pairs)


def _features(value: object) -> bool:
    return isinstance(value, Tensor) and value.dim() == 2 and len(value) > 0 and value.is_floating_point()


def _pushes(value: object) -> bool:
    return isinstance(value, Mapping) and all(_text(name) and _numbers(first) for name, first in value.items())


REFERENCE: dict[str, Check] = {
    "shape": lambda value: _numbers(value, _count),
    "real": _features,
    "other": _features,
    "pictures": lambda value: isinstance(value, Tensor),
    "drawing": lambda value: _numbers(value) and len(value) == 4,
    "largest": _number,
    "extractor": _text,
}
SCRUTINY: dict[str, Callable[[Any], bool]] = {
    "pushes": _pushes,
    "scale": _number,
    "said": lambda value: isinstance(value, Mapping) and all(_text(key) and _text(one) for key, one in value.items()),
    "ranked_right": lambda value: isinstance(value, bool),
}
KEYS: dict[str, Callable[[Any], bool]] = {
    "format": lambda value: _count(value) and value == 1,
    "folder": lambda value: _text(value) and bool(value),
    "trial": lambda value: _text(value) and bool(value),
    "seed": _count,
    "steps": _count,
    "looks": _count,
    "seconds": _number,
    "history": _rows,
    "columns": lambda value: (
        isinstance(value, list) and all(isinstance(one, Mapping) and "name" in one for one in value)
    ),
    "layers": _layers,
    "snapshots": _snapshots,
    "reference": lambda value: value is None or isinstance(value, Mapping),
    "scrutiny": lambda value: isinstance(value, Mapping),
    "n_fake": _count,
    "evaluated_at": lambda value: value is None or _count(value),
}
