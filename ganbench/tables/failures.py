"""Trials that left no results: one small JSON file each, beside the parts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from ganbench.core.files import replaced, storing
from ganbench.core.status import Status
from ganbench.tables.part_store import parts_folder

MISSING = (Status.FAILED, Status.TIMEOUT)


def failure_path(folder: Path, key: str) -> Path:
    """Return the file of a trial's failure."""
    return parts_folder(folder, key) / f"{key}.failed.json"


def write_failure(folder: Path, key: str, status: Status, error: str) -> None:
    """Record that a trial failed or ran out of time.

    Raises:
        StoreError: the folder cannot be written.
    """
    with storing(folder):
        path = failure_path(folder, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replaced(path) as file:
            file.write(json.dumps({"error": error, "status": str(Status(status))}).encode())


def read_failure(folder: Path, key: str) -> dict[str, str] | None:
    """Return `{"status": …, "error": …}`, or None without a record; an unreadable record is none."""
    try:
        data = json.loads(failure_path(folder, key).read_bytes())
        return {"status": str(Status(data["status"])), "error": str(data["error"])}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def read_failures(folder: Path, keys: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return the failures of these trials, by key."""
    found = {key: read_failure(folder, key) for key in keys}
    return {key: failure for key, failure in found.items() if failure is not None}


def clear_failure(folder: Path, key: str) -> None:
    """Forget a failure, before a trial is tried again.

    Raises:
        StoreError: the folder cannot be written.
    """
    with storing(folder):
        failure_path(folder, key).unlink(missing_ok=True)
