"""Components that a test brings along are forgotten at its end: other tests of the process do not know them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ganbench.core import imports, registry


@contextmanager
def forgotten() -> Iterator[None]:
    """Put the registry back as it was before."""
    table = registry._all_components()
    before, own = {kind: dict(classes) for kind, classes in table.items()}, dict(registry._own)
    try:
        yield
    finally:
        for kind, classes in before.items():
            table[kind].clear()
            table[kind].update(classes)
        registry._own.clear()
        registry._own.update(own)
        imports._registered.clear()
