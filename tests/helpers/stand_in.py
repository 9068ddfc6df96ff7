"""An object in the place of one of the engine's, for code that looks at a few of its attributes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TypeVar, cast

T = TypeVar("T")


def stand_in(cls: type[T], **attributes: object) -> T:
    """Return an object that passes for a `cls` and has these attributes alone.

    Every name must be one that `cls` declares or that its `__init__` sets: a test goes down with what it stands in for.
    """
    known = {name for base in cls.__mro__ for name in (*vars(base), *getattr(base, "__annotations__", {}))}
    known |= set(cls.__init__.__code__.co_names)
    unknown = attributes.keys() - known
    assert not unknown, f"{cls.__name__} has no {', '.join(sorted(unknown))}"
    return cast(T, SimpleNamespace(**attributes))
