"""A component described in plain lines, which `list`, `explain` and the catalogue print."""

from __future__ import annotations

import dataclasses
import functools
import re
import typing
from collections.abc import Iterator

from ganbench.core.column import Column
from ganbench.core.component import Component

PLURALS = {
    "dataset": "datasets",
    "network": "networks",
    "loss": "losses",
    "trick": "tricks",
    "optimizer": "optimizers",
    "metric": "metrics",
    "diagnostic": "diagnostics",
    "extractor": "extractors",
}


def facts(cls: type[Component]) -> Iterator[tuple[str, str]]:
    """Yield title and text of what a component declares: its paper, its claim, what it cannot be combined with."""
    if cls.aliases:
        yield "also called", ", ".join(cls.aliases)
    if cls.source:
        yield "paper", cls.source
    if cls.addresses:
        yield "addresses", cls.addresses
    if cls.traits:
        yield "traits", ", ".join(cls.traits)
    for trait, reason in cls.conflicts.items():
        yield "not with", f"{trait}{_bearers(trait, cls)}: {reason}"
    for reason, names in _refusals(cls).items():
        yield "not with", f"{', '.join(names)}: {reason}"
    for trait, reason in cls.requires.items():
        yield "needs", f"{trait}{_bearers(trait, cls)}: {reason}"


def parameters(cls: type[Component]) -> list[tuple[str, str, str]]:
    """Return name, default and type of every parameter."""
    hints = typing.get_type_hints(cls, include_extras=True)
    return [(f.name, as_yaml(f.default), type_text(hints[f.name])) for f in dataclasses.fields(cls)]


def column_text(column: Column) -> str:
    """Return what a column means, its unit and its better direction."""
    unit = "" if column.unit == "1" else f" [{column.unit}]"
    better = f", {column.direction} is better" if column.direction else ""
    return f"{column.meaning}{unit}{better}"


def _bearers(trait: str, cls: type[Component]) -> str:
    """Return ` (batch_norm, …)`: the other components that have a trait at their defaults."""
    names = [other.name for other in _bearers_by_trait().get(trait, ()) if other is not cls]
    return f" ({', '.join(names)})" if names else ""


def _refusals(cls: type[Component]) -> dict[str, list[str]]:
    """Return reason → names of the components that conflict with this one, without those in its own `conflicts`."""
    from ganbench.core import registry

    known = {c for kind in registry.PACKAGES for c in registry.components(kind).values()}
    refused = {other for trait in cls.conflicts for other in _bearers_by_trait().get(trait, ())}
    traits = cls().all_traits
    names: dict[str, list[str]] = {}
    for other in sorted(known - refused - {cls}, key=lambda c: c.name):
        for trait in other.conflicts.keys() & set(traits):
            names.setdefault(other.conflicts[trait], []).append(other.name)
    return names


def _bearers_by_trait() -> dict[str, list[type[Component]]]:
    from ganbench.core import registry

    return _bearers_by_trait_of(tuple(c for kind in registry.PACKAGES for c in registry.components(kind).values()))


@functools.cache
def _bearers_by_trait_of(known: tuple[type[Component], ...]) -> dict[str, list[type[Component]]]:
    bearers: dict[str, list[type[Component]]] = {}
    for cls in known:
        for trait in cls().all_traits:
            bearers.setdefault(trait, []).append(cls)
    return bearers


def as_yaml(value: object) -> str:
    """Return a default as a suite would write it."""
    if isinstance(value, tuple):
        return f"[{', '.join(as_yaml(v) for v in value)}]"
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def type_text(hint: object) -> str:
    """Return a type with its limits, without module names: `float, > 0`."""
    if typing.get_origin(hint) is typing.Annotated:
        inner, *limits = typing.get_args(hint)
        things = "letters" if inner is str else "of them"
        return ", ".join([type_text(inner), *(_limit(limit, things) for limit in limits)])
    if typing.get_origin(hint) is typing.Literal:
        return " or ".join(map(str, typing.get_args(hint)))
    arguments = typing.get_args(hint)
    if arguments and type(None) in arguments:
        return " or ".join(type_text(a) for a in arguments if a is not type(None)) + ", or null"
    if typing.get_origin(hint) is tuple:
        return f"list of {' and '.join(dict.fromkeys(type_text(a) for a in arguments if a is not ...))}"
    return getattr(hint, "__name__", re.sub(r"[\w.]+\.", "", str(hint)))


def _limit(limit: object, things: str) -> str:
    signs = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
    parts = [f"{sign} {getattr(limit, name)}" for name, sign in signs.items() if getattr(limit, name, None) is not None]
    if not parts and getattr(limit, "min_length", None) is not None:
        most = getattr(limit, "max_length", None)
        return f"{limit.min_length} to {most} {things}" if most else f"at least {limit.min_length}"  # type: ignore[attr-defined]
    return ", ".join(parts) or str(limit)
