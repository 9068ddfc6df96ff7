"""The monitors of this process that are open, so that a second one of the same folder or networks ends the first."""

from __future__ import annotations

import logging
import weakref
from pathlib import Path
from typing import Protocol

from torch import nn

log = logging.getLogger("ganbench.monitor")


class Closable(Protocol):
    """A monitor."""

    @property
    def folder(self) -> Path:
        """Return where its tables are."""
        ...

    def close(self) -> None:
        """End it."""
        ...


_open: dict[int, tuple[weakref.ref[Closable], Path, tuple[weakref.ref[nn.Module], ...]]] = {}


def enter(monitor: Closable, folder: Path, networks: tuple[nn.Module, ...]) -> None:
    """Note a monitor that has been asked for a folder; whoever has it or one of the networks is closed.

    Monitors and networks are held weakly.
    """
    folder = folder.absolute()
    _close_others(monitor, folder, networks)
    number = id(monitor)
    _open[number] = (
        weakref.ref(monitor, lambda _: _open.pop(number, None)),
        folder,
        tuple(weakref.ref(network) for network in networks),
    )


def move(monitor: Closable, folder: Path) -> None:
    """Note that a monitor goes on in another folder; whoever has that is closed."""
    known = _open.get(id(monitor))
    if known is not None and known[1] != folder:
        _close_others(monitor, folder, ())
        _open[id(monitor)] = (known[0], folder, known[2])


def _close_others(monitor: Closable, folder: Path, networks: tuple[nn.Module, ...]) -> None:
    for number, (known, place, watched) in list(_open.items()):
        other = known()
        if other is None:
            _open.pop(number, None)
            continue
        what = "the same folder" if folder in (place, other.folder) else ""
        if any(network is old() for network in networks for old in watched):
            what = "the same network"
        if what and other is not monitor:
            log.warning(
                "ganbench.Monitor: the monitor of %s is closed, as another one watches %s; call close() when training "
                "ends (two trainings at a time: give each a folder)",
                place.name,
                what,
            )
            other.close()
            _open.pop(number, None)


def leave(monitor: Closable) -> None:
    """Forget a monitor that is closed."""
    _open.pop(id(monitor), None)
