"""A run's folder as typed frames."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ganbench.core.column import Column
from ganbench.core.errors import UsageError
from ganbench.tables import schema
from ganbench.tables.arrays import read_samples, trials_in
from ganbench.tables.manifest import FILE, RunManifest

if TYPE_CHECKING:
    import pandas as pd

_GIVE = "give a run's folder, results/<suite>/<run>, or a suite's, results/<suite>"


class Samples(Mapping[str, dict[str, np.ndarray]]):
    """The pictures of each trial, read when they are asked for: trial → its `steps`, `samples` and `real`."""

    def __init__(self, path: Path, trials: tuple[str, ...]) -> None:
        self._path, self._trials = path, trials

    def __getitem__(self, trial: str) -> dict[str, np.ndarray]:
        """Return `{"steps": [k], "samples": [k, S, n, *shape], "real": [n, *shape]}`."""
        if trial not in self._trials:
            raise KeyError(trial)
        return read_samples(self._path, f"{trial}/")

    def __iter__(self) -> Iterator[str]:
        return iter(self._trials)

    def __len__(self) -> int:
        return len(self._trials)


@dataclass(frozen=True)
class Results:
    """What a run left.

    Attributes:
        path: the run's folder.
        runs: one row per run. history: one row per run and logged step. layers: one row per run, logged step and
            layer.
        samples: trial → its pictures.
        columns: the declaration of every column, by name.
        suite: the text of the suite as resolved. manifest: versions, machine, counts, times.
    """

    path: Path
    runs: pd.DataFrame
    history: pd.DataFrame
    layers: pd.DataFrame
    samples: Samples
    columns: dict[str, Column]
    suite: str
    manifest: RunManifest


def load(path: str | Path) -> Results:
    """Return the results of a run's folder, or of the newest run in a suite's folder.

    Strings, integers and booleans are pandas' nullable types; numbers are float64 with NaN for "not computed".

    Raises:
        UsageError: no run is there, or one of its files cannot be read.
    """
    folder = find_run(path)
    tables = {name: _table(folder, name) for name in schema.TABLES}
    columns: dict[str, Column] = {}
    for name, table in tables.items():
        columns = {**schema.declarations(name, table.schema), **columns}
    frames = {name: schema.to_pandas(table) for name, table in tables.items()}
    manifest = _manifest(folder)
    try:
        suite = (folder / "suite.yaml").read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise _unreadable(folder / "suite.yaml", _reason(error)) from None
    return Results(folder, **frames, samples=_samples(folder), columns=columns, suite=suite, manifest=manifest)


def find_run(path: str | Path) -> Path:
    """Return a run's folder: the one given, or the newest by its manifest in a suite's folder.

    Raises:
        UsageError: there is none.
    """
    path = Path(path)
    try:
        if (path / FILE).is_file():
            return path
        if not path.is_dir():
            raise UsageError(f"{path}: {'not a folder' if path.exists() else 'no such folder'}; {_GIVE}")
        runs = sorted(file.parent for file in path.glob("*/manifest.json") if (file.parent / "runs.parquet").exists())
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({_reason(error)}); {_GIVE}") from None
    if not runs:
        raise UsageError(f"{path}: holds no run (no manifest.json with tables beside it); {_GIVE}")
    return max(runs, key=_finished)


def _finished(folder: Path) -> tuple[str, int]:
    """Return when a run finished; the clock of its file decides within one second."""
    return _manifest(folder).times.finished, (folder / FILE).stat().st_mtime_ns


def _manifest(folder: Path) -> RunManifest:
    try:
        return RunManifest.read(folder / FILE)
    except (OSError, ValueError) as error:
        raise _unreadable(folder / FILE, _reason(error)) from None


def _table(folder: Path, name: str) -> pa.Table:
    path = folder / f"{name}.parquet"
    try:
        return schema.read(path, name)
    except (schema.SchemaError, OSError) as error:
        raise _unreadable(path, _reason(error)) from None


def _samples(folder: Path) -> Samples:
    path = folder / "samples.npz"
    try:
        return Samples(path, trials_in(path))
    except FileNotFoundError:
        return Samples(path, ())  # committed baselines keep numbers, not pictures
    except (OSError, zipfile.BadZipFile) as error:
        raise _unreadable(path, _reason(error)) from None


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "missing"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).splitlines()[0][:120]


def _unreadable(path: Path, reason: str) -> UsageError:
    return UsageError(f"{path}: cannot be read ({reason}); run the suite again, which merges its parts anew")
