"""What is done, and nothing else says so: a part for each finished trial, a small JSON file for each that failed.

A part is written once and whole, and never changed. `has_part` hashes it once in a process and remembers how its files
looked; who asks again pays for five `stat` calls.
"""

from __future__ import annotations

import hashlib
import json
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
import pyarrow.parquet as pq

from ganbench.core.column import Column
from ganbench.core.files import new_file, replaced, storing, sync_folder
from ganbench.core.naming import trial_id
from ganbench.core.status import Status
from ganbench.tables import schema
from ganbench.tables.arrays import SAMPLES, add_arrays, new_archive, read_samples

log = logging.getLogger("ganbench.tables")

FILES = (*(f"{table}.parquet" for table in schema.TABLES), "samples.npz")
RACY = 2.0  # seconds: a file changed twice within a tick of its file system's clock looks the same
_KEY = re.compile(r"[0-9a-f]{12,64}")
_State = tuple[tuple[int, int, int, int], ...]
_whole: dict[Path, _State] = {}  # the parts that this process has found whole, as their files looked then


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


class BrokenPartError(ValueError):
    """A part is truncated, altered, somebody else's or of another format."""


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
        place.mkdir(parents=True, exist_ok=True)
        try:
            beside.mkdir()
            _write(beside, key, arrow, tables.samples)
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
    """Remove what killed processes left half written; only for who holds the suite's lock.

    Raises:
        StoreError: the folder cannot be read.
    """
    with storing(folder):
        for left in (*(Path(folder) / "parts").glob(".*.tmp"), *(Path(folder) / "checkpoints").glob("*.tmp")):
            if left.is_dir() and not left.is_symlink():
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
            before, now = _state(part), time.time()
            if _whole.get(part) != before:
                _check(part, key)
                _whole.pop(part, None)
                if all(max(changed) < (now - RACY) * 1e9 for _, _, *changed in before):
                    _whole[part] = before
        return True
    except BrokenPartError as problem:
        _quarantine(folder, key, problem)
        return False


def read_part(folder: Path, key: str) -> TrialTables | None:
    """Return a part's typed tables and pictures, or None; a broken one is moved to `quarantine/`, with a warning."""
    arrow = read_arrow(folder, key)
    if arrow is None:
        return None
    columns: dict[str, Column] = {}
    for name, table in arrow.items():
        columns |= schema.declarations(name, table.schema)
    frames = {name: schema.to_pandas(table) for name, table in arrow.items()}
    return TrialTables(**frames, samples=part_samples(folder, key), columns=columns)


def read_table(folder: Path, key: str, table: str, columns: Sequence[str] | None = None) -> pd.DataFrame | None:
    """Return one typed table of a part without its pictures, or None as `read_part`.

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


def read_arrow(
    folder: Path, key: str, tables: Sequence[str] = schema.TABLES, columns: Sequence[str] | None = None
) -> dict[str, pa.Table] | None:
    """Return a part's tables by name as they are in the files, or None as `read_part`.

    With `columns` these are read alone, beside the one that names the trial.
    """
    if not has_part(folder, key):
        return None
    part = parts_folder(folder, key) / key
    try:
        with storing(folder):
            return {name: _read_table(part, name, key, columns) for name in tables}
    except (BrokenPartError, schema.SchemaError) as problem:
        _quarantine(folder, key, problem)
        return None


def part_samples(folder: Path, key: str) -> dict[str, np.ndarray]:
    """Return the pictures of a part that is there.

    Raises:
        GanbenchError: they cannot be read.
    """
    return read_samples(parts_folder(folder, key) / key / "samples.npz")


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
    failures = {key: read_failure(folder, key) for key in keys}
    return {key: failure for key, failure in failures.items() if failure is not None}


def clear_failure(folder: Path, key: str) -> None:
    """Forget a failure, before a trial is tried again.

    Raises:
        StoreError: the folder cannot be written.
    """
    with storing(folder):
        failure_path(folder, key).unlink(missing_ok=True)


def _write(beside: Path, key: str, arrow: dict[str, pa.Table], samples: dict[str, np.ndarray]) -> None:
    for name, table in arrow.items():
        with new_file(beside / f"{name}.parquet") as file:
            pq.write_table(table, file)
    with new_file(beside / "samples.npz") as file:
        with new_archive(file) as archive:
            add_arrays(archive, {name: samples[name] for name in SAMPLES})
    checksums = {"format": schema.FORMAT, "key": key, "sha256": {name: _digest(beside / name) for name in FILES}}
    with new_file(beside / "part.json") as file:
        file.write(json.dumps(checksums, sort_keys=True, indent=1).encode())
    sync_folder(beside)


def _state(part: Path) -> _State:
    """Return how a part's files look without being read: inode, size and both times of each."""
    if part.is_symlink() or not part.is_dir():
        raise BrokenPartError("not a folder")
    looks = []
    for name in ("part.json", *FILES):
        if not (part / name).is_file():
            raise BrokenPartError(f"{name} is missing")
        look = (part / name).stat()
        looks.append((look.st_ino, look.st_size, look.st_mtime_ns, look.st_ctime_ns))
    return tuple(looks)


def _check(part: Path, key: str) -> None:
    """Hold a part against its checksums: the format, the key, and every file's hash."""
    try:
        checksums = json.loads((part / "part.json").read_bytes())
        whole = (
            checksums["format"] == schema.FORMAT and checksums["key"] == key and set(checksums["sha256"]) == set(FILES)
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BrokenPartError("part.json cannot be read") from None
    if not whole:
        raise BrokenPartError("it is another trial's or of another format")
    for name in FILES:
        if _digest(part / name) != checksums["sha256"][name]:
            raise BrokenPartError(f"{name} is truncated or altered")


def _read_table(part: Path, name: str, key: str, columns: Sequence[str] | None) -> pa.Table:
    table = schema.read(part / f"{name}.parquet", name, None if columns is None else {"trial", *columns})
    if set(table.column("trial").unique().to_pylist()) - {trial_id(key)}:
        raise BrokenPartError(f"{name}.parquet holds another trial's rows")
    return table


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _quarantine(folder: Path, key: str, problem: Exception) -> None:
    """Move a broken part out of the way, under a name that is free; nothing is deleted."""
    with storing(folder):
        kept = Path(folder) / "quarantine"
        kept.mkdir(exist_ok=True)
        number = 1
        while os.path.lexists(kept / f"{key}-{number}"):
            number += 1
        os.rename(parts_folder(folder, key) / key, kept / f"{key}-{number}")
    log.warning("%s: a part is broken (%s); moved to quarantine/, its trial runs again", folder, problem)
