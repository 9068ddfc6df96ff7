"""What is done, and nothing else says so: a part for each finished trial, a small JSON file for each that failed.

A part is written once and whole, and never changed. `has_part` hashes it once in a process and remembers how its files
looked; who asks again pays for five `stat` calls.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from ganbench.core.column import Column
from ganbench.core.files import replaced, storing, sync_folder
from ganbench.core.results_files import (
    BrokenFileError,
    json_bytes,
    kind_of,
    make_folder,
    open_file,
    read_json,
    require_file,
    set_aside,
)
from ganbench.core.status import Status
from ganbench.tables import schema
from ganbench.tables.arrays import MOST_FILE, read_samples
from ganbench.tables.part_files import State, check, read_file, state, write_files

log = logging.getLogger("ganbench.tables")

RACY = 2.0  # seconds: a file changed twice within a tick of its file system's clock looks the same
_KEY = re.compile(r"[0-9a-f]{12,64}")
_whole: dict[Path, State] = {}  # the parts that this process has found whole, as their files looked then


@dataclass(frozen=True)
class TrialTables:
    """What one finished trial leaves: three tables, pictures, and what the columns mean.

    Attributes:
        runs: one row per seed. history: one row per seed and logged step. layers: one row per seed, logged step and
            layer.
        samples: `{"steps": [k], "samples": [k, S, n, *shape], "real": [n, *shape]}`, float16 points or uint8 images.
        columns: the declaration of every diagnostic and metric column in the three tables, by name.
    """

    runs: pd.DataFrame
    history: pd.DataFrame
    layers: pd.DataFrame
    samples: dict[str, np.ndarray]
    columns: dict[str, Column]


def parts_folder(folder: Path, key: str) -> Path:
    """Return the folder of all parts, having checked that the key cannot lead out of it."""
    if not _KEY.fullmatch(key):
        raise ValueError(f"not a trial's key: {key!r}")
    return Path(folder) / "parts"


def write_part(folder: Path, key: str, tables: TrialTables) -> None:
    """Write a finished trial: beside its place, synced, then renamed; a reader sees all of it or nothing.

    A whole part that is there already stays: equal keys have equal numbers.

    Args:
        folder: `results/<suite>`.
        key: the trial's key.
        tables: what its trainer returned.

    Raises:
        StoreError: the folder cannot be written; nothing is left of the attempt.
        SchemaError: a table has a column that nobody declared.
    """
    arrow = {name: schema.to_arrow(name, getattr(tables, name), tables.columns) for name in schema.TABLES}
    place = parts_folder(folder, key)
    beside = place / f".{key}.{secrets.token_hex(4)}.tmp"  # an orphan of a killed run may be at the same trial
    with storing(folder):
        Path(folder).mkdir(parents=True, exist_ok=True)
        make_folder(place)
        try:
            beside.mkdir()
            write_files(beside, key, arrow, tables.samples)
            if not has_part(folder, key):
                try:
                    os.rename(beside, place / key)
                except OSError:
                    if not has_part(folder, key):  # nobody else was faster
                        raise
                sync_folder(place)
            failure_path(folder, key).unlink(missing_ok=True)
        finally:
            shutil.rmtree(beside, ignore_errors=True)


def sweep_left(folder: Path) -> None:
    """Remove what killed processes left half written in the suite's folder; only for who holds its lock.

    Raises:
        StoreError: the folder cannot be read.
    """
    with storing(folder):
        for place in (Path(folder), *(Path(folder) / name for name in ("parts", "checkpoints"))):
            for left in place.glob(".*.tmp") if kind_of(place) == "a folder" else ():
                if kind_of(left) == "a folder":
                    shutil.rmtree(left, ignore_errors=True)
                else:
                    left.unlink(missing_ok=True)


def has_part(folder: Path, key: str) -> bool:
    """Return whether a whole part is there; a broken one is moved to `quarantine/`, with a warning.

    Raises:
        StoreError: a part cannot be read, or a broken one not be moved away.
    """
    part = parts_folder(folder, key) / key
    if not os.path.lexists(part):
        return False
    try:
        with storing(folder):  # what cannot be read just now may be whole
            before, now = state(part), time.time()
            if _whole.get(part) != before:
                check(part, key)
                _whole.pop(part, None)
                if all(max(changed) < (now - RACY) * 1e9 for _, _, *changed in before):
                    _whole[part] = before
        return True
    except (BrokenFileError, schema.SchemaError) as problem:
        _quarantine(folder, key, problem)
        return False


def read_table(folder: Path, key: str, table: str, columns: Sequence[str] | None = None) -> pd.DataFrame | None:
    """Return one typed table of a part without its pictures, or None; a broken part is moved to `quarantine/`.

    Args:
        folder: `results/<suite>`.
        key: the trial's key.
        table: `"runs"`, `"history"` or `"layers"`.
        columns: read these alone; those that the table lacks are left out. None reads all.
    """
    arrow = read_arrow(folder, key, (table,), columns)
    if arrow is None:
        return None
    frame = schema.to_pandas(arrow[table])
    return frame if columns is None else frame.drop(columns=[name for name in frame if name not in columns])


def look(folder: Path, key: str) -> dict[str, pd.DataFrame] | None:
    """Return `runs` and `history` of a whole part, or None; unlike `read_table`, it moves nothing."""
    part = parts_folder(folder, key) / key
    try:
        check(part, key)
        return {name: schema.to_pandas(read_file(part, name, key, None)) for name in ("runs", "history")}
    except (OSError, ValueError):
        return None


def read_arrow(
    folder: Path, key: str, tables: Sequence[str] = schema.TABLES, columns: Sequence[str] | None = None
) -> dict[str, pa.Table] | None:
    """Return a part's tables by name as they are in the files, or None as `read_table`.

    With `columns` these are read alone, beside the one that names the trial.
    """
    if not has_part(folder, key):
        return None
    part = parts_folder(folder, key) / key
    try:
        with storing(folder):
            return {name: read_file(part, name, key, columns) for name in tables}
    except (BrokenFileError, schema.SchemaError) as problem:
        _quarantine(folder, key, problem)
        return None


def part_samples(folder: Path, key: str) -> dict[str, np.ndarray] | None:
    """Return the pictures of a part that is there; None if they are broken, and the part is moved to `quarantine/`."""
    try:
        with storing(folder), open_file(parts_folder(folder, key) / key / "samples.npz", MOST_FILE) as file:
            return read_samples(file)
    except BrokenFileError as problem:
        _quarantine(folder, key, problem)
        return None


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
        Path(folder).mkdir(parents=True, exist_ok=True)
        make_folder(path.parent)
        require_file(path)
        with replaced(path) as file:
            file.write(json_bytes({"error": error, "key": key, "status": str(Status(status))}))


def read_failure(folder: Path, key: str) -> dict[str, str] | None:
    """Return `{"status": …, "error": …}`, or None without a record; one of another trial, or a broken one, is none."""
    try:
        data = read_json(failure_path(folder, key))
        if data.get("key", key) != key:  # earlier versions did not write it
            return None
        return {"status": str(Status(data["status"])), "error": str(data["error"])}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def read_failures(folder: Path, keys: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return the failures of these trials, by key."""
    failures = {key: read_failure(folder, key) for key in keys}
    return {key: failure for key, failure in failures.items() if failure is not None}


def clear_failure(folder: Path, key: str) -> None:
    """Forget a failure, before a trial is tried again.

    Raises:
        StoreError: the folder cannot be written.
    """
    with storing(folder):
        require_file(failure_path(folder, key))
        failure_path(folder, key).unlink(missing_ok=True)


def _quarantine(folder: Path, key: str, problem: Exception) -> None:
    """Move a broken part out of the way, under a name that is free; nothing is deleted."""
    with storing(folder):
        moved = set_aside(parts_folder(folder, key) / key, Path(folder) / "quarantine")
    _whole.pop(parts_folder(folder, key) / key, None)
    if moved is not None:
        log.warning("%s: a part is broken (%s); moved to quarantine/, its trial runs again", folder, problem)
