"""What a sweep leaves behind once it has ended: processes that it started, files in its places for temporary ones."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from pathlib import Path

import psutil

SHARED = Path("/dev/shm")


class Watched:
    """One sweep, which has a folder of its own for temporary files, TMPDIR in its environment.

    A process is the sweep's if it has that TMPDIR or was once a descendant of its driver: processes that give
    themselves another title overwrite their environment.
    """

    def __init__(self, temp: Path) -> None:
        self.temp, self.began = temp, time.time()
        self.known: set[psutil.Process] = set()
        self.shared = _names(SHARED)
        self.left: list[str] = []
        self.gone_after = 0.0
        self._ended: float | None = None
        self._looked = 0.0

    def family(self, driver: int) -> None:
        """Remember what descends from the driver now."""
        with contextlib.suppress(psutil.Error):
            self.known.update(psutil.Process(driver).children(recursive=True))

    def ended(self) -> None:
        """Start the clock: the driver has ended."""
        self._ended = time.monotonic()

    def look(self, patience: float) -> bool:
        """Say whether all is known: nothing is left, or what is left in `left` was there so many seconds later."""
        if self._ended is None:
            return False
        since = time.monotonic() - self._ended
        if since > patience and self.left:
            return True
        if time.monotonic() - self._looked < 0.5:
            return not self.left and self._looked > self._ended
        self._looked = time.monotonic()
        self.left = self._leftovers()
        if self.left:
            self.gone_after = since
        return not self.left

    def remove(self) -> None:
        """Remove the folder and end the processes, so that the next round begins clean."""
        for process in self._alive():
            with contextlib.suppress(psutil.Error):
                process.kill()
        shutil.rmtree(self.temp, ignore_errors=True)

    def _leftovers(self) -> list[str]:
        found = [f"process:{_title(one)}" for one in self._alive()]
        found += [f"tmp:{name}" for name in sorted(_names(self.temp))]
        new = sorted(_names(SHARED) - self.shared)
        return found + [f"shm:{name}" for name in new if self._is_from_then(SHARED / name)]

    def _is_from_then(self, path: Path) -> bool:
        try:
            return path.stat().st_mtime < self.began + 600
        except OSError:
            return False

    def _alive(self) -> list[psutil.Process]:
        found = {one for one in self.known if one.is_running() and _title(one) != "zombie"}
        return sorted(found | set(processes_of(self.temp)), key=lambda one: one.pid)


def processes_of(temp: Path) -> list[psutil.Process]:
    """Return the processes that have this TMPDIR."""
    tag, found = b"TMPDIR=" + os.fsencode(temp) + b"\0", []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, psutil.Error):
            if tag in (folder / "environ").read_bytes():
                found.append(psutil.Process(int(folder.name)))
    return found


def machine() -> tuple[int, int, int]:
    """Return the machine's memory that is available, in MiB, and the numbers of open files and of processes."""
    files = int(Path("/proc/sys/fs/file-nr").read_text().split()[0])
    return psutil.virtual_memory().available >> 20, files, len(psutil.pids())


def _names(folder: Path) -> set[str]:
    try:
        return set(os.listdir(folder))
    except OSError:
        return set()


def _title(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        if process.status() == psutil.STATUS_ZOMBIE:
            return "zombie"
        return "_".join(" ".join(process.cmdline())[-60:].split()) or process.name()
    return "zombie"
