"""Finds components: a file in its kind's folder registers what it defines; others come by entry point or `register`.

A suite can name components but never code: only what is found here can be built.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import importlib.metadata
import inspect
import logging
import pkgutil
import threading
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import TypeVar, overload

from ganbench.core.arguments import shown
from ganbench.core.component import Component
from ganbench.core.declaration import require_declaration
from ganbench.core.errors import GanbenchError, UnknownComponentError, UsageError, described, is_interrupt, reason

ENTRY_POINT_GROUP = "ganbench.components"
PACKAGES = {
    "dataset": "ganbench.datasets",
    "network": "ganbench.networks",
    "loss": "ganbench.losses",
    "trick": "ganbench.tricks",
    "optimizer": "ganbench.optimizers",
    "metric": "ganbench.metrics",
    "diagnostic": "ganbench.diagnostics",
    "extractor": "ganbench.extractors",
}

SLOW_S = 10.0  # that the import of a plugin may take without a word

log = logging.getLogger("ganbench.registry")
_own: dict[tuple[str, str], type[Component]] = {}  # what `register` was given

Table = dict[str, dict[str, type[Component]]]
T = TypeVar("T", bound=Component)


def defined_in(module: ModuleType) -> list[type[Component]]:
    """Return the named components that a module itself defines."""
    classes = (c for _, c in inspect.getmembers(module, inspect.isclass) if c.__module__ == module.__name__)
    return [c for c in classes if issubclass(c, Component) and "name" in vars(c)]


@functools.cache
def _all_components() -> Table:
    table: Table = {kind: {} for kind in PACKAGES}
    for package_name in PACKAGES.values():
        package = importlib.import_module(package_name)
        for info in pkgutil.iter_modules(package.__path__):
            if not info.name.startswith("_"):
                for cls in defined_in(importlib.import_module(f"{package_name}.{info.name}")):
                    _add(table, cls)
    for entry in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
        _add_plugin(table, entry)
    return table


def _add_plugin(table: Table, entry: importlib.metadata.EntryPoint) -> None:
    """Add what another package brings; one that is broken is left out with a warning, since most suites can do without.

    What a suite names and nobody has is an error of its own, with this warning before it.
    """
    package = f" of {entry.dist.name}" if entry.dist is not None else ""
    plugin = f"the plugin {entry.name} = {entry.value}{package}".encode("utf-8", "backslashreplace").decode()
    plugin = " ".join(plugin.split())[:300]
    text = "%s has been importing for %g s; if it hangs, interrupt this and uninstall it"
    slow = threading.Timer(SLOW_S, log.warning, (text, plugin, SLOW_S))
    slow.daemon = True
    slow.start()
    try:
        loaded = entry.load()
        for cls in defined_in(loaded) if isinstance(loaded, ModuleType) else [loaded]:
            require_component(cls)
            _add(table, cls)
    except BaseException as error:  # noqa: BLE001 - a package may raise anything while it is imported, SystemExit too
        if is_interrupt(error):
            raise
        problem = reason(error) if isinstance(error, GanbenchError) else described(error)
        log.warning("%s is left out (%s); fix it or uninstall it", plugin, problem[:300])
    finally:
        slow.cancel()


def _add(table: Table, cls: type[Component]) -> None:
    other = table[cls.kind].get(cls.name, cls)
    if other is not cls:
        raise GanbenchError(
            f"{cls.__module__}: the {cls.kind} {cls.name!r} is already defined in {other.__module__}; rename one"
        )
    table[cls.kind][cls.name] = cls


def register(cls: type[Component]) -> type[Component]:
    """Make a component known in this process, as its file or entry point would; usable as a decorator.

    A class that is defined again (a cell of a notebook that runs twice) takes the place of its older self. Results on
    disk are found by name, version and parameters: raise `version` when the new one computes something else.

    Raises:
        UsageError: the class is not a complete component.
        GanbenchError: another class has that name already.
    """
    require_component(cls)
    table = _all_components()
    other = table[cls.kind].get(cls.name)
    if other is not None and (other.__module__, other.__qualname__) == (cls.__module__, cls.__qualname__):
        table[cls.kind][cls.name] = cls
    _add(table, cls)
    if other is not cls:
        _own[cls.kind, cls.name] = cls
    return cls


def registered(cls: type[Component]) -> bool:
    """Say whether a class is here by `register` alone: no other process finds it by itself."""
    return _own.get((cls.kind, cls.name)) is cls


def require_component(cls: type[Component]) -> None:
    """Check that a class is a complete component.

    Raises:
        UsageError: it is not; says what is missing.
    """
    if not inspect.isclass(cls):
        raise UsageError(f"{shown(cls)}: not a class; name a component's class, or the module that defines it")
    where = f"{cls.__module__}.{cls.__qualname__}"
    base = _base(cls)
    if base is None or getattr(cls, "kind", None) != base.kind:
        raise UsageError(f"{where}: not a component; derive it from a base class such as ganbench.losses.Loss")
    if not isinstance(getattr(cls, "name", None), str) or not cls.name.isidentifier():
        raise UsageError(f"{where}: a component needs a name of letters, digits and _; add `name = 'my_{cls.kind}'`")
    if inspect.isabstract(cls):
        raise UsageError(f"{where}: {', '.join(sorted(cls.__abstractmethods__))} is missing; define it")
    if "__dataclass_params__" not in vars(cls):
        raise UsageError(f"{where}: a component is a frozen dataclass; write @dataclass(frozen=True) above it")
    for field in dataclasses.fields(cls):
        if field.default is dataclasses.MISSING:
            raise UsageError(f"{where}: the parameter {field.name} has no default; give it one")
    require_declaration(cls, base)


def _base(cls: type) -> type[Component] | None:
    """Return the base class of a component's kind; None for what is no component."""
    bases = (c for c in cls.__mro__ if issubclass(c, Component) and c.__module__ in PACKAGES.values())
    return next((c for c in bases if "kind" in vars(c)), None)


@overload
def components(kind: type[T]) -> Mapping[str, type[T]]: ...
@overload
def components(kind: str) -> Mapping[str, type[Component]]: ...
def components(kind: str | type[Component]) -> Mapping[str, type[Component]]:
    """Return all components of a kind, `"loss"` or `Loss`, by name in alphabetical order."""
    return dict(sorted(_all_components()[_kind(kind)].items()))


@overload
def find(kind: type[T], name: str) -> type[T]: ...
@overload
def find(kind: str, name: str) -> type[Component]: ...
def find(kind: str | type[Component], name: str) -> type[Component]:
    """Return the component class of that kind (`"loss"`, or `Loss` where its type matters) and name.

    Raises:
        UnknownComponentError: no such name; the message has the nearest one and all that are known.
    """
    table = _all_components()[_kind(kind)]
    if name not in table:
        raise UnknownComponentError(_kind(kind), name, table, aliases(table.values()))
    return table[name]


@overload
def build(kind: type[T], name: str, parameters: Mapping[str, object] = ...) -> T: ...
@overload
def build(kind: str, name: str, parameters: Mapping[str, object] = ...) -> Component: ...
def build(kind: str | type[Component], name: str, parameters: Mapping[str, object] | None = None) -> Component:
    """Return a component from checked parameters; lists become tuples (components are hashable)."""
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in (parameters or {}).items()}
    return find(kind, name)(**values)


def aliases(classes: Iterable[type[Component]]) -> dict[str, str]:
    """Return other name → name: what papers and other libraries call the components."""
    return {alias: cls.name for cls in classes for alias in cls.aliases}


def _kind(kind: str | type[Component]) -> str:
    return kind if isinstance(kind, str) else kind.kind
