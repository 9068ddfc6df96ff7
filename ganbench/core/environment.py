"""Where numbers are made: versions and the machine, from the standard library alone; and environment variables."""

from __future__ import annotations

import datetime
import functools
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import TextIO


def version(package: str) -> str | None:
    """Return the version of an installed distribution, or None."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def now() -> str:
    """Return the time in UTC to the second, `2026-01-31T12:00:00+00:00` (ISO 8601)."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


@functools.cache
def cpu_model() -> str:
    """Return the processor's name."""
    try:
        for text in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if text.startswith("model name"):
                return text.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def can_draw(stream: TextIO) -> bool:
    """Say whether a stream is a terminal on which lines can be drawn over: some say of themselves that they cannot."""
    return stream.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")


def stamp(device: str, threads: int) -> dict[str, str | int | None]:
    """Return the versions, the machine and the settings that a trial's numbers depend on besides its configuration.

    Args:
        device: `"cpu"`, or a GPU's kind and name.
        threads: of torch, in the process that trained it.
    """
    from ganbench.core.version import __version__

    return {
        "device": device,
        "ganbench": __version__,
        "machine": f"{platform.system()} {platform.machine()}, {cpu_model()}",
        "numpy": version("numpy"),
        "python": platform.python_version(),
        "threads": threads,
        "torch": version("torch"),
    }


@contextmanager
def variables(changes: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for this process and those that it starts; afterwards they are as before."""
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
