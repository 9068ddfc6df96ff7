"""ganbench: which GAN loss and trick holds up, how sure that is, and what went wrong in the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from ganbench.tables.store import load as load

__all__ = ["__version__", "load"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - loads on first use, so that the command line starts at once
    if name == "load":
        from ganbench.tables.store import load

        return load
    raise AttributeError(f"module 'ganbench' has no attribute {name!r}")
