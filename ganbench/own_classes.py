"""Component classes of a caller's own: which other processes can have them."""

from __future__ import annotations

import importlib.util
import sys

from ganbench.core import registry
from ganbench.core.component import Component
from ganbench.core.errors import UsageError


def is_installed(cls: type[Component]) -> bool:
    """Return whether any process can import this class by its name: it is in the package or has an entry point."""
    registry_has = registry.components(cls.kind).get(cls.name) is cls
    return registry_has and not registry.registered(cls)


def require_importable(cls: type[Component]) -> None:
    """Raise where Ray's workers could not import a class.

    Raises:
        UsageError: they could not.
    """
    imported: object = sys.modules.get(cls.__module__)
    for part in cls.__qualname__.split("."):
        imported = getattr(imported, part, None)
    if cls.__module__ == "__main__" or imported is not cls or importlib.util.find_spec(cls.__module__) is None:
        raise UsageError(
            f"ganbench.Suite.run: Ray's workers cannot import {cls.__qualname__} from {cls.__module__}; move it to the "
            "top level of a module file, or run with executor='local'"
        )
