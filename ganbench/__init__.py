"""ganbench: which GAN loss and trick holds up, how sure that is, and what went wrong in the others."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from ganbench.core.version import __version__

if TYPE_CHECKING:
    from ganbench.api import Suite as Suite
    from ganbench.api import cure as cure
    from ganbench.core.registry import register as register
    from ganbench.loaded import load as load
    from ganbench.monitor.monitor import Monitor as Monitor
    from ganbench.networks.modules import modules as modules

__all__ = ["Monitor", "Suite", "__version__", "cure", "load", "modules", "register"]

_MODULES = {
    "Monitor": "ganbench.monitor.monitor",
    "Suite": "ganbench.api",
    "cure": "ganbench.api",
    "load": "ganbench.loaded",
    "modules": "ganbench.networks.modules",
    "register": "ganbench.core.registry",
}


def __getattr__(name: str) -> object:
    """Import a public name on first use, so that `import ganbench` and the command line start at once."""
    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    raise AttributeError(f"module 'ganbench' has no attribute {name!r}")
