"""A run's folder as typed frames."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar

import numpy as np
import pyarrow as pa

from ganbench.core.column import Column
from ganbench.core.errors import UsageError
from ganbench.core.file_set import MANIFEST, open_one, pending
from ganbench.core.naming import AXES
from ganbench.core.results_files import MOST_BINARY, MOST_JSON, Checked, kind_of
from ganbench.tables import schema
from ganbench.tables.arrays import MOST_FILE, read_samples, trials_in
from ganbench.tables.manifest import RunManifest

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger("ganbench.tables")

_GIVE = "give a run's folder, results/<suite>/<run>, or a suite's, results/<suite>"
_TRIES = 3  # a sweep may put new files into the folder while it is read
SAMPLES = "samples.npz"
_T = TypeVar("_T")


class Samples(Mapping[str, dict[str, np.ndarray]]):
    """The pictures of each trial, read when they are asked for: trial → its `steps`, `samples` and `real`.

    Args:
        folder: of the run. trials: those that have pictures.
    """

    def __init__(self, folder: Path, trials: tuple[str, ...]) -> None:
        self._folder, self._trials = folder, dict.fromkeys(trials)
        self._checked: Checked = {}
        self._last: tuple[str, dict[str, np.ndarray]] = "", {}  # pages ask for one trial's several times in a row

    def __getitem__(self, trial: str) -> dict[str, np.ndarray]:
        """Return `{"steps": [k], "samples": [k, S, n, *shape], "real": [n, *shape]}`."""
        if trial not in self._trials:
            raise KeyError(trial)
        # A part never changes: if the folder has been merged anew since, the trial's pictures are the same.
        if self._last[0] != trial:
            self._last = trial, _steady(self._folder, lambda manifest: self._read(manifest, trial))
        return {name: array.copy() for name, array in self._last[1].items()}

    def _read(self, manifest: RunManifest, trial: str) -> dict[str, np.ndarray]:
        def pictures(file: BinaryIO) -> dict[str, np.ndarray]:
            return read_samples(file, f"{trial}/")

        return _file(self._folder, SAMPLES, manifest, pictures, MOST_FILE, self._checked)

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
    return _steady(folder, lambda manifest: _load(folder, manifest))


def load_runs(folder: Path) -> pd.DataFrame:
    """Return the table of runs of a run's folder alone.

    Raises:
        UsageError: it cannot be read.
    """
    return _steady(folder, lambda manifest: schema.to_pandas(_table(folder, "runs", manifest)))


def _load(folder: Path, manifest: RunManifest) -> Results:
    tables = {name: _table(folder, name, manifest) for name in schema.TABLES}
    columns: dict[str, Column] = {}
    for name, table in tables.items():
        columns = {**schema.declarations(name, table.schema), **columns}
    frames = {name: schema.to_pandas(table) for name, table in tables.items()}
    names = [axis for axis in AXES if axis in frames["runs"]]
    frames["runs"][names] = frames["runs"][names].fillna("?")  # what a trial is of is never unknown in our own tables
    suite = _file(folder, "suite.yaml", manifest, lambda file: file.read().decode(), MOST_JSON)
    trials = len(frames["runs"]["trial"].unique())
    pictured: tuple[str, ...] = ()  # committed baselines keep numbers, not pictures, and anybody may remove these
    if SAMPLES in manifest.files and not _removed(folder, manifest):
        pictured = _file(folder, SAMPLES, manifest, lambda file: trials_in(file, trials), MOST_FILE)
    samples = Samples(folder, pictured)
    return Results(folder, **frames, samples=samples, columns=columns, suite=suite, manifest=manifest)


def _removed(folder: Path, manifest: RunManifest) -> bool:
    places = (folder / SAMPLES, pending(folder, SAMPLES, manifest.files[SAMPLES]), folder / SAMPLES)
    return all(kind_of(place) is None for place in places)  # it may have been moved from the second to the first


def find_run(path: str | Path) -> Path:
    """Return a run's folder: the one given, or the newest by its manifest in a suite's folder.

    Raises:
        UsageError: there is none.
    """
    path = Path(path)
    try:
        if kind_of(path / MANIFEST) is not None:
            return path
        if not path.is_dir():
            raise UsageError(f"{path}: {'not a folder' if path.exists() else 'no such folder'}; {_GIVE}")
        runs = sorted(filter(_may_be_run, path.iterdir()))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read ({_reason(error)}); {_GIVE}") from None
    if not runs:
        raise UsageError(f"{path}: holds no run (no manifest.json with tables beside it); {_GIVE}")
    return _newest(runs)


def _may_be_run(folder: Path) -> bool:
    try:
        return kind_of(folder / MANIFEST) is not None and (folder / "runs.parquet").exists()
    except PermissionError:  # of somebody else, with a stricter umask: it is not passed over without a word
        return True


def _newest(runs: list[Path]) -> Path:
    """Return the run that was merged last; one whose manifest cannot be read is passed over with a warning."""
    order, problems = {}, []
    for folder in runs:
        try:
            # The clock of its file decides between two that nobody counted and that ended within one second.
            order[folder] = *_manifest(folder).times.order, (folder / MANIFEST).stat().st_mtime_ns
        except UsageError as problem:
            problems.append(problem)
    if not order:
        raise problems[0]
    for problem in problems:
        log.warning("%s", problem)
    return max(order, key=lambda folder: order[folder])


def _steady(folder: Path, read: Callable[[RunManifest], _T]) -> _T:
    """Return what is read of the files of one manifest; of the next one if they are replaced in the meantime."""
    for attempt in range(_TRIES):
        manifest = _manifest(folder)
        try:
            return read(manifest)
        except UsageError:
            if attempt == _TRIES - 1 or _manifest(folder).files == manifest.files:
                raise
    raise AssertionError  # the last try returns or raises


def _manifest(folder: Path) -> RunManifest:
    try:
        return RunManifest.read(folder / MANIFEST)
    except (OSError, ValueError) as error:
        raise _unreadable(folder / MANIFEST, _reason(error)) from None


def _file(
    folder: Path,
    name: str,
    manifest: RunManifest,
    read: Callable[[BinaryIO], _T],
    most: int = MOST_BINARY,
    checked: Checked | None = None,
) -> _T:
    """Return what is read of a file that is as its manifest says."""
    try:
        with open_one(folder, name, manifest.files, most, checked) as file:
            return read(file)
    except (OSError, ValueError, MemoryError) as error:
        raise _unreadable(folder / name, _reason(error)) from None


def _table(folder: Path, name: str, manifest: RunManifest) -> pa.Table:
    def table(file: BinaryIO) -> pa.Table:
        return schema.require_identified(name, schema.read(file.read(), name))

    return _file(folder, f"{name}.parquet", manifest, table)


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "missing"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).splitlines()[0][:120]


def _unreadable(path: Path, reason: str) -> UsageError:
    return UsageError(f"{path}: cannot be read ({reason}); run the suite again, which merges its parts anew")
