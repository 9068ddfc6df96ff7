"""Whether numbers that are sampled are numbers of the suite, and whether they can have all values that may be drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pydantic_core import PydanticCustomError

from ganbench.core.trial import Trial
from ganbench.suite.space import Range, Search, apply

INSIDE = 0.3819660112501051  # of the way from end to end: no whole number lies there on a usual range


def space_error(search: Search, cells: Sequence[Trial], path: str) -> str | None:
    """Return what is wrong with one dimension of the space, or None; `tried` of it are put into every cell."""
    span, axis = search.space[path], path.partition(".")[0]
    differing = {repr(getattr(cell, axis, None)): cell for cell in cells}.values()  # in what the path leads to
    for value in tried(span):
        try:
            changed = [apply(cell, {path: value}) for cell in differing]
        except PydanticCustomError as error:
            return value_error(path, span, value, error)
        if problem := structure_error(path, span, value):
            return problem
        if path.rpartition(".")[0] not in ("", "training") and not any(has_number(cell, path) for cell in changed):
            return f"no cell of the suite has {path}; name the component on its axis, or correct the path"
    return None


def tried(span: Range) -> tuple[object, ...]:
    """Return the values that stand for all that may be drawn: those of a choice, or both ends and one inside.

    The ends of `{uniform: [8, 64]}` may be whole numbers of samples; what is drawn between them is not.
    """
    return span.values if span.kind == "choice" else (*span.values, span.at(INSIDE))


def value_error(path: str, span: Range, value: object, error: PydanticCustomError) -> str:
    """Return the sentence about a value that a component refuses."""
    if value not in span.values and isinstance(value, float):
        return _whole(path, span)
    return f"{path}: {text_of(error)}"


def text_of(error: PydanticCustomError) -> str:
    """Return what a component says of a value that it refuses."""
    return str((error.context or {}).get("text", error))


def structure_error(path: str, span: Range, value: object) -> str | None:
    """Return why `batch` or a setting of `training` cannot have this value, or None."""
    head, _, name = path.rpartition(".")
    if head not in ("", "training"):
        return None
    number = value if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan
    if name == "ema":
        return None if 0 <= number < 1 else f"{path}: {value!r} is not in [0, 1)"
    most = 65536 if name == "batch" else 1000
    if not 1 <= number <= most:
        return f"{path}: {value!r} is beyond 1 to {most}"
    return None if isinstance(value, int) else _whole(path, span)


def _whole(path: str, span: Range) -> str:
    return f"{path} is a whole number, and this {span.kind} has others; write `int`, or a `choice` of whole ones"


def has_number(trial: Trial, path: str) -> bool:
    """Say whether a component of the trial has the parameter that a path such as `tricks.r1.gamma` names."""
    head, *names = path.split(".")
    if head == "tricks":
        return any(t.name == names[0] and names[1] in t.parameters for t in trial.tricks)
    return names[0] in getattr(trial, head).parameters
