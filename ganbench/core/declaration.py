"""Checks what a component from elsewhere declares: `list`, `schema` and `plan` read it, whoever uses the component."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import math
import types
import typing
from collections.abc import Iterator, Mapping, Sequence

from ganbench.core.arguments import shown
from ganbench.core.column import Column
from ganbench.core.component import Component
from ganbench.core.errors import GanbenchError, UsageError, described, is_interrupt

LONGEST_NAME = 60
PLAIN = (bool, int, float, str, type(None))
USABLE = "bool, int, float, str, Literal, a tuple of these, or one of them or None"


def require_declaration(cls: type[Component], base: type[Component]) -> None:
    """Check the class attributes, the parameters and the plain properties of a component.

    Args:
        cls: a complete component.
        base: the base class of its kind, which says of what type each class attribute is.

    Raises:
        UsageError: something has another type, or raises; says what.
    """
    where = f"{cls.__module__}.{cls.__qualname__}"
    try:
        problem = next(_problems(cls, base), None)
    except BaseException as error:  # noqa: BLE001 - it is anybody's class, and may raise anything at any question
        if isinstance(error, GanbenchError) or is_interrupt(error):
            raise
        problem = f"cannot be asked what it is ({described(error)}); correct it"
    if problem is not None:
        raise UsageError(f"{where}: {problem}")


def _problems(cls: type[Component], base: type[Component]) -> Iterator[str]:
    yield from _parameter_problems(cls, base)
    component = cls()
    hash(component)
    yield from _attribute_problems(component, base)
    for name, value, hint in (
        ("summary()", cls.summary(), str),
        ("revision()", cls.revision(), int | str),
        *_properties(component, base),
    ):
        if not fits(value, hint):
            yield f"{name} is {shown(value)}, not {_type_text(hint)}; correct it"


def _properties(component: Component, base: type[Component]) -> Iterator[tuple[str, object, object]]:
    """Yield name, value and type of every property that the base class declares.

    What all components have may not raise. What a kind has may: the shape of a data set may need its files.
    """
    for name, member in inspect.getmembers(base, lambda one: isinstance(one, property)):
        hint = typing.get_type_hints(member.fget)["return"]
        if hasattr(Component, name):
            yield name, getattr(component, name), hint
            continue
        with contextlib.suppress(Exception):
            yield name, getattr(component, name), hint


def _attribute_problems(component: Component, base: type[Component]) -> Iterator[str]:
    cls = type(component)
    if len(cls.name) > LONGEST_NAME or cls.name == "none":
        yield f"{shown(cls.name)} cannot name a component; take another name of at most {LONGEST_NAME} letters"
    for name, hint in typing.get_type_hints(base, include_extras=True).items():
        if typing.get_origin(hint) is typing.ClassVar and hasattr(cls, name):
            value, declared = getattr(component, name), typing.get_args(hint)[0]  # some are properties
            if not fits(value, declared):
                yield f"{name} is {shown(value)}, not {_type_text(declared)}; correct it"
    if not fits(cls.__doc__, str | None):
        yield "its docstring cannot be written; correct it"
    names = [column.name for column in columns(cls)]
    for name in names:
        if not name.isidentifier() or names.count(name) > 1:
            yield f"the column {shown(name)} needs a name of its own, of letters, digits and _; rename it"
    if cls.strength and cls.strength not in {field.name for field in dataclasses.fields(cls)}:
        yield f"strength is {shown(cls.strength)}, and there is no such parameter; correct it"


def _parameter_problems(cls: type[Component], base: type[Component]) -> Iterator[str]:
    hints = typing.get_type_hints(cls, include_extras=True)
    inherited = {field.name for field in dataclasses.fields(base)}
    for field in dataclasses.fields(cls):
        name, hint = field.name, hints[field.name]
        if name not in inherited and (hasattr(base, name) or name.startswith(("_", "model_")) or name == "self"):
            yield f"a parameter cannot be called {name}, which has a meaning of its own; rename it"
        if not _usable(hint):
            yield f"the parameter {name} is of type {_type_text(hint)}; use {USABLE}"
        infinite = isinstance(field.default, float) and not math.isfinite(field.default)
        if infinite or not fits(field.default, hint):
            yield f"the default of {name} is {shown(field.default)}, not {_type_text(hint)}; correct it"


def columns(cls: type[Component]) -> tuple[Column, ...]:
    """Return the table columns that a component fills."""
    return (*getattr(cls, "columns", ()), *getattr(cls, "layer_columns", ()))


def fits(value: object, hint: object) -> bool:
    """Say whether a value is of a type; texts must be such as a file can hold, and no number is NaN.

    >>> fits((1.0, 2), tuple[float, ...]), fits(True, int), fits({"images": 3}, Mapping[str, str])
    (True, False, False)
    """
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return fits(value, arguments[0])
    if origin is typing.Literal:
        return any(value == one and type(value) is type(one) for one in arguments)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, one) for one in arguments)
    if origin is tuple:
        return isinstance(value, tuple) and _each_fits(value, arguments)
    if inspect.isclass(origin) and issubclass(origin, Mapping):
        return isinstance(value, Mapping) and all(
            fits(key, arguments[0]) and fits(one, arguments[1]) for key, one in value.items()
        )
    return isinstance(value, origin) if inspect.isclass(origin) else _is(value, hint)


def _is(value: object, hint: object) -> bool:
    if hint is None:
        return value is None
    if not inspect.isclass(hint) or hint is typing.Any:
        return True  # nothing to hold it against
    if isinstance(value, bool) and hint is not bool:
        return False
    if hint is float:
        return isinstance(value, (int, float)) and value == value
    if isinstance(value, str) and hint is str:
        return value.encode("utf-8", "replace").decode() == value
    if isinstance(value, Column) and hint is Column:
        hints = typing.get_type_hints(Column)
        return all(fits(getattr(value, name), one) for name, one in hints.items())
    return isinstance(value, hint)


def _each_fits(values: Sequence[object], hints: tuple[object, ...]) -> bool:
    if len(hints) == 2 and hints[1] is ...:
        return all(fits(value, hints[0]) for value in values)
    return len(values) == len(hints) and all(map(fits, values, hints))


def _usable(hint: object) -> bool:
    """Say whether a suite can write a value of a type."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return _usable(arguments[0])
    if origin in (typing.Union, types.UnionType, tuple):
        return all(one is ... or _usable(one) for one in arguments)
    return hint in PLAIN or origin is typing.Literal


def _type_text(hint: object) -> str:
    """Return a type as it is written, without the names of modules."""
    return hint.__name__ if inspect.isclass(hint) and not typing.get_args(hint) else str(hint).rpartition("typing.")[2]
