"""ganbench: which GAN loss and trick holds up, how sure that is, and what went wrong in the others."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from ganbench.api import Suite as Suite
    from ganbench.core.registry import register as register
    from ganbench.monitor.monitor import Monitor as Monitor
    from ganbench.networks.modules import modules as modules
    from ganbench.tables.results import load as load

__all__ = ["Monitor", "Suite", "__version__", "load", "modules", "register"]

_WHERE = {
    "Monitor": "ganbench.monitor.monitor",
    "Suite": "ganbench.api",
    "load": "ganbench.tables.results",
    "modules": "ganbench.networks.modules",
    "register": "ganbench.core.registry",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - loads on first use, so that the command line starts at once
    if name in _WHERE:
        return getattr(importlib.import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'ganbench' has no attribute {name!r}")
