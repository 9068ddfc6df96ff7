"""The parts: the tables of one finished trial each, written once and whole, never changed."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import secrets
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ganbench.core.column import Column
from ganbench.core.files import new_file, storing, sync_folder
from ganbench.tables import schema
from ganbench.tables.arrays import SAMPLES, add_arrays, new_archive, read_samples
from ganbench.tables.part import TrialTables

log = logging.getLogger("ganbench.tables")

FILES = (*(f"{table}.parquet" for table in schema.TABLES), "samples.npz")
_KEY = re.compile(r"[0-9a-f]{12,64}")


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
            (place / f"{key}.failed.json").unlink(missing_ok=True)
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
            _check(part, key)
        return True
    except BrokenPartError as problem:
        _quarantine(folder, key, problem)
        return False


def read_part(folder: Path, key: str) -> TrialTables | None:
    """Return a part's typed tables, or None; a broken one is moved to `quarantine/`, with a warning."""
    arrow = read_arrow(folder, key)
    if arrow is None:
        return None
    columns: dict[str, Column] = {}
    for name, table in arrow.items():
        columns |= schema.declarations(name, table.schema)
    frames = {name: schema.to_pandas(table) for name, table in arrow.items()}
    return TrialTables(**frames, samples=part_samples(folder, key), columns=columns)


def read_arrow(folder: Path, key: str) -> dict[str, pa.Table] | None:
    """Return a part's tables by name as they are in the files, or None as `read_part`."""
    if not has_part(folder, key):
        return None
    part = parts_folder(folder, key) / key
    try:
        with storing(folder):
            return {name: _read_table(part, name, key) for name in schema.TABLES}
    except (BrokenPartError, schema.SchemaError) as problem:
        _quarantine(folder, key, problem)
        return None


def part_samples(folder: Path, key: str) -> dict[str, np.ndarray]:
    """Return the pictures of a part that is there.

    Raises:
        GanbenchError: they cannot be read.
    """
    return read_samples(parts_folder(folder, key) / key / "samples.npz")


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


def _check(part: Path, key: str) -> None:
    """Hold a part against its seal: the format, the key, and every file's hash."""
    if part.is_symlink() or not part.is_dir():
        raise BrokenPartError("not a folder")
    for name in ("part.json", *FILES):
        if not (part / name).is_file():
            raise BrokenPartError(f"{name} is missing")
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


def _read_table(part: Path, name: str, key: str) -> pa.Table:
    table = schema.read(part / f"{name}.parquet", name)
    if set(table.column("trial").unique().to_pylist()) - {key[:12]}:
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
