"""The folder of a suite's results: made, writable, with room in it, and for one run at a time."""

from __future__ import annotations

import os
import platform
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ganbench.core.errors import UsageError
from ganbench.core.files import new_file, replaced, try_lock
from ganbench.core.results_files import BrokenFileError, read_bytes, require_file, require_folder
from ganbench.suite.plan import Plan

BYTES_A_TRIAL = 1 << 20
BYTES_AT_LEAST = 32 << 20


def prepare(root: Path, plan: Plan) -> Path:
    """Return `root/<suite>`, absolute, made and writable, in which nothing leads outside.

    Raises:
        UsageError: it is not, it would lie outside the root, or something in it is not what its name says.
    """
    root = root.absolute()
    folder = root / plan.name
    if folder.resolve().parent != root.resolve() or not plan.run_id.isalnum():
        raise UsageError(f"{folder}: lies outside {root}; rename the suite or remove the link")
    require_folder(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        require_own(folder, plan.run_id)
        _try_to_write(folder / f".writable-{secrets.token_hex(4)}.tmp")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"{folder}: {reason}; choose a --results folder that can be written") from error
    return folder


def _try_to_write(probe: Path) -> None:
    try:
        with new_file(probe, durable=False) as file:
            file.write(b"x")
    finally:
        probe.unlink(missing_ok=True)


def require_own(folder: Path, run_id: str) -> None:
    """Check that what has the name of a file or a folder of ganbench is one: a link would lead somewhere else.

    Parts are not looked at; one that is not a folder of files is broken, and is moved away when it is read.

    Args:
        folder: `results/<suite>`.
        run_id: of the run whose folder will be written.

    Raises:
        MisplacedError: it is not; with its name.
    """
    run = folder / run_id
    for place in (folder / "parts", folder / "checkpoints", folder / "quarantine", run):
        require_folder(place)
    for file in (folder / ".lock", folder / ".lock-owner", folder / "progress.json"):
        require_file(file)
    kept = ((folder / "parts", ".json"), (folder / "checkpoints", ""), (run, ""))
    for place, ending in kept:
        for name in os.listdir(place) if place.is_dir() else ():
            if name.endswith(ending) and not name.endswith(".tmp"):
                require_file(place / name)


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
                who = read_bytes(owner).decode("utf-8", "replace").strip()[:100]
            except (OSError, BrokenFileError):
                who = ""
            raise UsageError(
                f"{folder}: {who or 'another process'} is running this suite; wait for it or use another --results"
            )
        require_file(owner)
        with replaced(owner, durable=False) as file:
            file.write(f"process {os.getpid()} on {platform.node()}".encode("utf-8", "replace"))
        yield
