"""`ganbench explain`: one component, or one column of the tables, in full."""

from __future__ import annotations

import dataclasses
import inspect
import re
import typing
from collections.abc import Iterator

import click

from ganbench.cli.console import styled
from ganbench.core.column import Column
from ganbench.core.component import Component

EPILOG = """\b
Examples:
  ganbench explain hinge
  ganbench explain fid        a metric, and the table columns of that name
"""


@click.command("explain", epilog=EPILOG)
@click.argument("name")
def command(name: str) -> None:
    """Explain the component or table column NAME: what it computes, its parameters, units and source."""
    from ganbench.core.errors import UsageError, unknown
    from ganbench.core.registry import PACKAGES, components

    known = [cls for kind in PACKAGES for cls in components(kind).values()]
    found = [cls for cls in known if cls.name == name]
    columns = [(cls, column) for cls in known for column in _columns(cls) if column.name == name]
    if not found and not columns:
        names = {cls.name for cls in known}
        near = names | {column.name for cls in known for column in _columns(cls)}
        hint = unknown("name", name[:60], near).split(" (known:")[0]
        raise UsageError(f"{hint}; `ganbench list` shows what there is")
    parts = ["\n".join(_component(cls)) for cls in found]
    parts += [f"column {name}, from the {cls.kind} {cls.name}\n  {_column(column)}" for cls, column in columns]
    click.echo("\n\n".join(parts))


def _columns(cls: type[Component]) -> tuple[Column, ...]:
    return (*getattr(cls, "columns", ()), *getattr(cls, "layer_columns", ()))


def _component(cls: type[Component]) -> Iterator[str]:
    """Yield the lines that explain a component."""
    yield f"{styled(cls.name, bold=True)} ({cls.kind}, version {cls.version})"
    for line in inspect.cleandoc(cls.__doc__ or "").split("\n"):
        yield f"  {line}".rstrip()
    for title, text in (("mends", cls.mends), ("source", cls.source), ("traits", ", ".join(cls.traits))):
        if text:
            yield f"{title}: {text}"
    if fields := dataclasses.fields(cls):
        hints = typing.get_type_hints(cls, include_extras=True)
        yield "parameters:"
        for field in fields:
            yield f"  {field.name} = {_yaml(field.default)}  ({_type(hints[field.name])})"
    for trait, reason in cls.conflicts.items():
        yield f"not with {trait}: {reason}"
    for trait, reason in cls.needs.items():
        yield f"needs {trait}: {reason}"
    if columns := _columns(cls):
        yield "columns:"
        for column in columns:
            yield f"  {column.name}: {_column(column)}"


def _column(column: Column) -> str:
    unit = "" if column.unit == "1" else f" [{column.unit}]"
    better = f", {column.direction} is better" if column.direction else ""
    return f"{column.meaning}{unit}{better}"


def _yaml(value: object) -> str:
    """Return a default as a suite would write it."""
    if isinstance(value, tuple):
        return f"[{', '.join(_yaml(v) for v in value)}]"
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _type(hint: object) -> str:
    """Return a type with its limits, without module names: `float, > 0`."""
    if typing.get_origin(hint) is typing.Annotated:
        inner, *limits = typing.get_args(hint)
        return ", ".join([_type(inner), *(_limit(limit) for limit in limits)])
    if typing.get_origin(hint) is typing.Literal:
        return " or ".join(map(str, typing.get_args(hint)))
    arguments = typing.get_args(hint)
    if arguments and type(None) in arguments:
        return " or ".join(_type(a) for a in arguments if a is not type(None)) + ", or null"
    if typing.get_origin(hint) is tuple:
        return f"list of {' and '.join(dict.fromkeys(_type(a) for a in arguments if a is not ...))}"
    return getattr(hint, "__name__", re.sub(r"[\w.]+\.", "", str(hint)))


def _limit(limit: object) -> str:
    signs = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
    parts = [f"{sign} {getattr(limit, name)}" for name, sign in signs.items() if getattr(limit, name, None) is not None]
    return ", ".join(parts) or str(limit)
