"""Finds components: a file in its kind's folder registers what it defines; others come by entry point.

A suite can name components but never code: only what is found here can be built.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import inspect
import pkgutil
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from ganbench.core.component import Component
from ganbench.core.errors import GanbenchError, UnknownComponentError

ENTRY_POINT_GROUP = "ganbench.components"
PACKAGES = {
    "dataset": "ganbench.datasets",
    "network": "ganbench.networks",
    "loss": "ganbench.losses",
    "trick": "ganbench.tricks",
    "optimizer": "ganbench.optimizers",
    "metric": "ganbench.metrics",
    "diagnostic": "ganbench.diagnostics",
    "feature": "ganbench.features",
}


def _defined_in(module: ModuleType) -> list[type[Component]]:
    """Return the named components that a module itself defines."""
    classes = (c for _, c in inspect.getmembers(module, inspect.isclass) if c.__module__ == module.__name__)
    return [c for c in classes if issubclass(c, Component) and "name" in vars(c)]


@functools.cache
def _found() -> dict[str, dict[str, type[Component]]]:
    table: dict[str, dict[str, type[Component]]] = {kind: {} for kind in PACKAGES}
    found: list[type[Component]] = []
    for package_name in PACKAGES.values():
        package = importlib.import_module(package_name)
        for info in pkgutil.iter_modules(package.__path__):
            if not info.name.startswith("_"):
                found += _defined_in(importlib.import_module(f"{package_name}.{info.name}"))
    for entry in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
        loaded = entry.load()
        found += _defined_in(loaded) if isinstance(loaded, ModuleType) else [loaded]
    for cls in found:
        other = table[cls.kind].setdefault(cls.name, cls)
        if other is not cls:
            raise GanbenchError(
                f"{cls.__module__}: the {cls.kind} {cls.name!r} is already defined in {other.__module__}; rename one"
            )
    return table


def components(kind: str) -> Mapping[str, type[Component]]:
    """Return all components of a kind, by name in alphabetical order."""
    return dict(sorted(_found()[kind].items()))


def find(kind: str, name: str) -> type[Component]:
    """Return the component class of that kind and name.

    Raises:
        UnknownComponentError: no such name; the message has the nearest one and all that are known.
    """
    table = _found()[kind]
    if name not in table:
        raise UnknownComponentError(kind, name, table)
    return table[name]


def build(kind: str, name: str, parameters: Mapping[str, Any]) -> Component:
    """Return a component from checked parameters; lists become tuples (components are hashable)."""
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in parameters.items()}
    return find(kind, name)(**values)
