"""The folder of a suite's results: made, writable, with room in it, and for one run at a time."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ganbench.core.errors import UsageError
from ganbench.core.files import try_lock
from ganbench.suite.plan import Plan

BYTES_A_TRIAL = 1 << 20
BYTES_AT_LEAST = 32 << 20


def prepare(root: Path, plan: Plan) -> Path:
    """Return `root/<suite>`, absolute, made and writable.

    Raises:
        UsageError: it is not, or it would lie outside the root.
    """
    root = root.absolute()
    folder = root / plan.name
    if folder.resolve().parent != root.resolve() or not plan.run_id.isalnum():
        raise UsageError(f"{folder}: lies outside {root}; rename the suite or remove the link")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".writable-{os.getpid()}"
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"{folder}: {reason}; choose a --results folder that can be written") from error
    return folder


def require_space(folder: Path, trials: int) -> None:
    """Raise where the disk is too full to begin.

    Raises:
        UsageError: less is free than small trials need.
    """
    need, free = BYTES_AT_LEAST + trials * BYTES_A_TRIAL, shutil.disk_usage(folder).free
    if free < need:
        raise UsageError(
            f"{folder}: {free >> 20} MB free, about {need >> 20} MB needed; make room or choose another --results"
        )


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep two runs of one suite apart; the system drops the lock of a process that died.

    Raises:
        UsageError: another run is at it.
    """
    owner = folder / ".lock-owner"  # a file that is locked cannot be read on every system
    with try_lock(folder / ".lock") as mine:
        if not mine:
            try:
                who = owner.read_text(encoding="utf-8").strip()[:100]
            except OSError:
                who = ""
            raise UsageError(
                f"{folder}: {who or 'another process'} is running this suite; wait for it or use another --results"
            )
        owner.write_text(f"process {os.getpid()} on {platform.node()}", encoding="utf-8")
        yield
