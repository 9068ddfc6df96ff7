"""The files of one part: how they are written, what they are held against, how a table of them is read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ganbench.core.files import new_file, sync_folder
from ganbench.core.naming import run_name, trial_id
from ganbench.core.results_files import BrokenFileError, checksum, kind_of, open_checked, open_file, read_bytes
from ganbench.core.status import Status
from ganbench.tables import schema
from ganbench.tables.arrays import MOST_FILE, SAMPLES, add_arrays, new_archive, require_samples

FILES = (*(f"{table}.parquet" for table in schema.TABLES), "samples.npz")
State = tuple[tuple[int, int, int, int], ...]


def write_files(beside: Path, key: str, arrow: dict[str, pa.Table], samples: dict[str, np.ndarray]) -> None:
    """Write a part's files into a folder that is there, with their checksums, synced."""
    for name, table in arrow.items():
        with new_file(beside / f"{name}.parquet") as file:
            pq.write_table(table, file)
    with new_file(beside / "samples.npz") as file:
        with new_archive(file) as archive:
            add_arrays(archive, {name: samples[name] for name in SAMPLES})
    checksums = {
        "format": schema.FORMAT,
        "key": key,
        "sha256": {name: checksum(beside / name, MOST_FILE) for name in FILES},
    }
    with new_file(beside / "part.json") as file:
        file.write(json.dumps(checksums, sort_keys=True, indent=1).encode())
    sync_folder(beside)


def state(part: Path) -> State:
    """Return how a part's files look without being read: inode, size and both times of each."""
    if kind_of(part) != "a folder":
        raise BrokenFileError("not a folder")
    looks = []
    for name in ("part.json", *FILES):
        if (kind := kind_of(part / name)) != "a file":
            raise BrokenFileError(f"{name} is {kind or 'missing'}")
        look = (part / name).stat()
        looks.append((look.st_ino, look.st_size, look.st_mtime_ns, look.st_ctime_ns))
    return tuple(looks)


def check(part: Path, key: str) -> None:
    """Hold a part against its checksums (the format, the key, and every file's hash), then look at what they are of.

    Raises:
        BrokenFileError: it is not as it was written, or another trial's.
        SchemaError: a table of it is none.
    """
    try:
        checksums = json.loads(read_bytes(part / "part.json"))
        whole = (
            checksums["format"] == schema.FORMAT and checksums["key"] == key and set(checksums["sha256"]) == set(FILES)
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BrokenFileError("part.json cannot be read") from None
    if not whole:
        raise BrokenFileError("it is another trial's or of another format")
    for name in FILES:
        try:
            open_checked(part / name, str(checksums["sha256"][name]), MOST_FILE).close()
        except BrokenFileError:
            raise BrokenFileError(f"{name} is truncated or altered") from None
    _check_content(part, key)


def _check_content(part: Path, key: str) -> None:
    """Look at what says which rows are whose, and at the pictures' headers: anybody can make right checksums."""
    runs = read_file(part, "runs", key, ["run", "seed", "setting", "status"])
    seeds = runs.column("seed").to_pylist()
    settings = runs.column("setting").to_pylist() if "setting" in runs.column_names else [None] * len(seeds)
    names = {run_name(trial_id(key), *lane) for lane in zip(seeds, settings, strict=True)}
    statuses = set(runs.column("status").to_pylist())
    if set(runs.column("run").to_pylist()) != names or statuses - {Status.OK, Status.DIVERGED}:
        raise BrokenFileError("runs.parquet has rows of other runs, or of runs that did not end")
    for name in ("history", "layers"):
        rows = read_file(part, name, key, ["run", "seed", "step"])
        if set(rows.column("run").unique().to_pylist()) - names:
            raise BrokenFileError(f"{name}.parquet has rows of other runs")
    with open_file(part / "samples.npz", MOST_FILE) as file:
        require_samples(file, len(names))


def read_file(part: Path, name: str, key: str, columns: Sequence[str] | None) -> pa.Table:
    """Return a table of a part: all of it, or these columns beside those that say whose rows they are."""
    identity = None if columns is None else {"trial", "run", "seed", "status", "step", "steps", *columns}
    with open_file(part / f"{name}.parquet") as file:
        table = schema.require_identified(name, schema.read(file.read(), name, identity))
    if set(table.column("trial").unique().to_pylist()) - {trial_id(key)}:
        raise BrokenFileError(f"{name}.parquet holds another trial's rows")
    return table
