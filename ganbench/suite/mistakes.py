"""All mistakes of a suite at once: after each one it is read on as if that had been right."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import ValidationError

from ganbench.core.errors import SeveralErrors, UsageError
from ganbench.suite.choices import first_error
from ganbench.suite.yaml import Document, Keys

MOST = 10  # mistakes; what follows from them is often as much again
# What stands in for a wrong entry of these lists; nothing is made of it.
RIGHT = {
    "datasets": "ring",
    "networks": "mlp",
    "losses": "hinge",
    "tricks": "none",
    "optimizers": "adam",
    "metrics": "modes",
    "diagnostics": "gradients",
}


def mistakes(document: Document, data: object, check: Callable[[object], object]) -> UsageError:
    """Return the error that names every mistake in the data, in their order in the document.

    Args:
        document: says where things stand.
        data: what `check` refuses.
        check: raises pydantic's error.
    """
    lines: dict[str, tuple[int, ...]] = {}
    righted: list[Keys] = []
    while len(righted) < MOST and (error := _error_of(check, data)) is not None:
        where, problem, key = first_error(error)
        if any(path[: len(where)] == where for path in righted):  # what was taken out is missed here
            break
        righted.append(where)
        place = document.place(where, key=key)
        line = f"{place}: {problem}"
        if line in lines:  # putting it right did not help
            break
        lines[line] = tuple(int(part) for part in place.split(":")[-2:] if part.isdigit())
        data = _right(data, where)
    ordered = sorted(lines, key=lambda line: lines[line])
    return UsageError(ordered[0]) if len(ordered) == 1 else SeveralErrors(ordered)


def _error_of(check: Callable[[object], object], data: object) -> ValidationError | None:
    try:
        check(data)
    except ValidationError as error:
        return error
    return None


def _right(data: object, path: Keys, inside: str = "") -> object:
    """Return the data with a right entry, or nothing, at the path."""
    if not path:
        return data
    first, rest = path[0], path[1:]
    if isinstance(data, dict) and first in data:
        inner = data[first]
        known = isinstance(inner, tuple) and first in RIGHT and rest
        deeper = isinstance(inner, dict) and rest and rest[0] in inner
        if known or deeper or (first == "include" and rest):
            return {**data, first: _right(inner, rest, str(first))}
        return {key: value for key, value in data.items() if key != first} | ({"name": "x"} if first == "name" else {})
    if isinstance(data, tuple) and isinstance(first, int) and first < len(data):
        entry = RIGHT[inside] if inside in RIGHT else _right(data[first], rest)
        return (*data[:first], entry, *data[first + 1 :])
    return data
