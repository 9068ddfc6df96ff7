"""Where the rows of a run go besides its tables: experiment trackers, each an optional package."""

from __future__ import annotations

import importlib
import logging
import math
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ganbench.core.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

log = logging.getLogger("ganbench.sinks")


class Writer(Protocol):
    """Takes the rows of one run."""

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Take values of a step; steps never go back."""
        ...

    def close(self) -> None:
        """Say that the run has ended."""
        ...


@runtime_checkable
class PictureWriter(Writer, Protocol):
    """A writer that takes pictures, too."""

    def picture(self, step: int, name: str, picture: np.ndarray) -> None:
        """Take a picture `[height, width, 3]` of bytes, of that name and step; called between rows of the same step."""
        ...


class Sink(Protocol):
    """A tracker."""

    def open(self, name: str, labels: Mapping[str, str]) -> Writer:
        """Begin a run of that name; labels say what was trained."""
        ...


class Writers:
    """One run in several trackers; a tracker that raises gets no more rows and a warning, and the run goes on.

    Args:
        sinks: the trackers.
        name: of the run.
        labels: what is trained.

    Raises:
        UsageError: a tracker's package is missing.
    """

    def __init__(self, sinks: Iterable[Sink], name: str, labels: Mapping[str, str]) -> None:
        self._open = [(type(sink).__name__, sink.open(name, labels)) for sink in sinks]

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Hand the finite values of a step on."""
        finite = {name: value for name, value in values.items() if math.isfinite(value)}
        if finite:
            self._each(lambda writer: writer.write(step, finite))

    def picture(self, step: int, name: str, picture: np.ndarray) -> None:
        """Hand a picture `[height, width, 3]` of bytes on to the trackers that take pictures."""
        self._each(lambda writer: writer.picture(step, name, picture) if isinstance(writer, PictureWriter) else None)

    def close(self) -> None:
        """End the run everywhere."""
        self._each(lambda writer: writer.close())
        self._open = []

    def _each(self, act: Callable[[Writer], None]) -> None:
        for entry in list(self._open):
            try:
                act(entry[1])
            except Exception as error:  # a tracker's server may be gone, its disk be full
                self._open.remove(entry)
                log.warning("%s takes no more rows (%s: %s)", entry[0], type(error).__name__, error)


def package(name: str, install: str) -> Any:  # noqa: ANN401 - a module
    """Import a tracker's package.

    Raises:
        UsageError: it is not installed; says how to.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UsageError(f"{name} cannot be imported ({error}); install it: pip install {install}") from error
