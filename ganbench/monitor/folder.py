"""A monitor's folder: the files of a sweep's run, so that everything that reads a run reads it too."""

from __future__ import annotations

import datetime
import json
import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml

from ganbench.core.errors import UsageError
from ganbench.core.files import StoreError, replaced, storing
from ganbench.tables import schema
from ganbench.tables.arrays import add_arrays, new_archive
from ganbench.tables.part_store import TrialTables

log = logging.getLogger("ganbench.monitor")

# Seconds between two writings: half a percent of the time goes into them, but no more than half a minute is ever at
# risk, unless a writing takes longer than 1.5 s.
AT_LEAST, AT_MOST = 1.0, 30.0
SHARE, LARGEST_SHARE = 0.005, 0.05
MOST_FOLDERS = 10_000


class Folder:
    """Where the tables go.

    Each file is written beside its place and renamed, so a reader sees the old one or the new one, and a process that
    is killed loses what came after the last writing: a second's rows, or those of two hundred times what writing
    takes, at most of half a minute.

    Args:
        path: a folder that is missing or empty; beside one that holds a run, `path-2`, `path-3` … is taken.
    """

    def __init__(self, path: Path) -> None:
        self.path = _free(path)
        self.started = _now()
        self._next = 0.0
        self._pictured: tuple[int, ...] | None = None
        self._written = self._failed = False

    @property
    def due(self) -> bool:
        """Say whether it is time to write."""
        return time.monotonic() >= self._next

    def write(self, tables: TrialTables, manifest: Mapping[str, Any]) -> None:
        """Write everything; a disk that cannot be written is said once, and training goes on."""
        began = time.monotonic()
        try:
            self._write(tables, manifest)
            self._failed = False
        except StoreError as error:
            if not self._failed:
                log.warning("%s; the monitor keeps its rows in memory and tries again", error)
            self._failed = True
        now = time.monotonic()
        cost = now - began if self._written else 0.0  # the first writing loads libraries
        self._written = True
        self._next = now + max(AT_LEAST, min(cost / SHARE, AT_MOST), cost / LARGEST_SHARE)

    def _write(self, tables: TrialTables, manifest: Mapping[str, Any]) -> None:
        with storing(self.path):
            for name in schema.TABLES:
                table = schema.to_arrow(name, getattr(tables, name), tables.columns)
                with replaced(self.path / f"{name}.parquet") as file:
                    pq.write_table(table, file)
            self._write_pictures(tables)
            text = yaml.safe_dump({"monitor": manifest["monitor"]}, sort_keys=False, allow_unicode=True)
            with replaced(self.path / "suite.yaml") as file:
                file.write(text.encode())
            # Last: a folder with a manifest has all its tables.
            times = {"started": self.started, "finished": _now()}
            with replaced(self.path / "manifest.json") as file:
                described = {**manifest, "times": {**times, **manifest.get("times", {})}}
                file.write((json.dumps(described, indent=2, ensure_ascii=False) + "\n").encode())

    def _write_pictures(self, tables: TrialTables) -> None:
        steps, trial = tuple(tables.samples["steps"].tolist()), str(tables.runs["trial"].iloc[0])
        if steps == self._pictured:
            return
        with replaced(self.path / "samples.npz") as file, new_archive(file) as archive:
            if steps:
                add_arrays(archive, {f"{trial}/{name}": array for name, array in tables.samples.items()})
        self._pictured = steps


def _free(path: Path) -> Path:
    """Make and return the folder, or the first free one beside it.

    Raises:
        UsageError: it cannot be made or written.
    """
    path = path.absolute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for number in range(1, MOST_FOLDERS):
            tried = path if number == 1 else path.with_name(f"{path.name}-{number}")
            try:
                tried.mkdir()
            except FileExistsError:
                if not tried.is_dir() or any(tried.iterdir()):
                    continue
            if not os.access(tried, os.W_OK):
                raise PermissionError(13, "Permission denied")
            return tried
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"{path}: {reason}; give ganbench.Monitor a folder that can be written") from None
    raise UsageError(f"{path}: {MOST_FOLDERS} runs lie beside it; choose another folder")


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
