"""Where the rows of a run go besides its tables: experiment trackers, each an optional package."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ganbench.core.errors import UsageError
from ganbench.sinks.trackers import REMEDY, Apart, Tracker, log, short

if TYPE_CHECKING:
    import numpy as np


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
    """One run in several trackers; what a tracker raises is said and left out, and the run goes on.

    Args:
        sinks: the trackers.
        name: of the run.
        labels: what is trained.
        apart: whether each tracker has a thread of its own, so that nobody waits for it.

    Raises:
        UsageError: a tracker's package is missing.
    """

    def __init__(self, sinks: Iterable[Sink], name: str, labels: Mapping[str, str], apart: bool = False) -> None:
        self._open: list[Tracker[Writer]] = []
        for sink in sinks:
            tracker = type(sink).__name__
            try:
                writer = sink.open(name, labels)
                self._open.append(Apart(tracker, writer) if apart else Tracker(tracker, writer))
            except UsageError:
                raise
            except Exception as error:
                text = "%s: the run cannot be begun there (%s), and it gets no rows; all else goes on; remedy: %s"
                log.warning(text, tracker, short(error), REMEDY)

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Hand the finite values of a step on."""
        finite = {name: value for name, value in values.items() if math.isfinite(value)}
        if finite:
            self._each("rows", lambda writer: writer.write(step, finite))

    def picture(self, step: int, name: str, picture: np.ndarray) -> None:
        """Hand a picture `[height, width, 3]` of bytes on to the trackers that take pictures."""
        self._each(
            "pictures",
            lambda writer: writer.picture(step, name, picture) if isinstance(writer, PictureWriter) else None,
        )

    def close(self) -> None:
        """End the run everywhere."""
        for tracker in self._open:
            tracker.close(lambda writer: writer.close())
        self._open = []

    def _each(self, what: str, act: Callable[[Writer], None]) -> None:
        for tracker in self._open:
            tracker.call(what, act)


def package(name: str, install: str) -> Any:  # noqa: ANN401 - a module
    """Import a tracker's package.

    Raises:
        UsageError: it is not installed; says how to.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UsageError(f"{name} cannot be imported ({error}); install it: pip install {install}") from error
