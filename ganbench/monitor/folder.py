"""A monitor's folder: the files of a sweep's run, so that everything that reads a run reads it too."""

from __future__ import annotations

import contextlib
import glob
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow.parquet as pq
import torch
import yaml

from ganbench.core.environment import now
from ganbench.core.errors import UsageError
from ganbench.core.file_set import MANIFEST, NewFiles, is_unfinished, new_files
from ganbench.core.files import StoreError, new_file, storing
from ganbench.monitor.kept_state import State
from ganbench.monitor.resume import STATE, asked_of, readable_state
from ganbench.tables import schema
from ganbench.tables.arrays import add_arrays, new_archive
from ganbench.tables.manifest import FORMAT, MonitorState, RunManifest, Times, next_place
from ganbench.tables.part_store import TrialTables
from ganbench.training.tables import TrialLog, tabulate

log = logging.getLogger("ganbench.monitor")

# Seconds between two writings: half a percent of the time goes into them, but no more than half a minute is ever at
# risk, unless a writing takes longer than 1.5 s.
AT_LEAST, AT_MOST = 1.0, 30.0
SHARE, LARGEST_SHARE = 0.005, 0.05
MOST_FOLDERS = 10_000
CLAIM = ".claimed"  # a file that one monitor alone can have made


class Folder:
    """The folder that the tables are written to.

    All files of a writing take their places together, so a reader finds the old ones or the new ones, never a part
    of one. A process that is killed loses the rows since the last writing. The time between two writings is 200 times
    what one takes, but at least a second and at most half a minute.

    Args:
        path: a folder that is missing or empty; beside another one `path-2`, `path-3` … is taken.
        again: whether to go on in one that holds a run.
        asked: the name that the run was meant for, where it is not the path's.
    """

    def __init__(self, path: Path, again: bool = False, asked: str = "") -> None:
        self.path = path.absolute() if again else _free(path)
        self._asked = asked or (asked_of(self.path) if again else None) or path.absolute().name
        self.started = now()
        self._next = 0.0
        self._place = 0  # among the runs beside it; 0 until it is written
        self._pictured: tuple[tuple[int, ...], str] | None = None  # the steps of the pictures, and their checksum
        self._kept: tuple[str, str] | None = None  # what the state that is there says, and its checksum
        self._written = self._failed = False

    def leave(self) -> None:
        """Give up a folder that nothing was written to."""
        with contextlib.suppress(OSError):
            if only_claimed(self.path):
                (self.path / CLAIM).unlink()
                self.path.rmdir()

    @property
    def due(self) -> bool:
        """Return whether it is time to write."""
        return time.monotonic() >= self._next

    def write(
        self,
        logged: TrialLog,
        environment: Mapping[str, object],
        running: bool,
        kept: Mapping[str, object] | None = None,
        findings: Sequence[str] = (),
    ) -> None:
        """Write everything; a disk that cannot be written is reported once, and training goes on.

        Args:
            logged: of the run.
            environment: as `ganbench.tables.manifest.environment` returns it.
            running: whether more is to come.
            kept: what the tables do not hold and `resume` wants; it does not change once it is there.
            findings: what is wrong with the loop, in sentences.
        """
        began = time.monotonic()
        try:
            self._write(logged, environment, running, kept, findings)
            self._failed = False
        except StoreError as error:
            if not self._failed:
                log.warning("%s; the monitor keeps its rows in memory and tries again", error)
            self._failed = True
        ended = time.monotonic()
        cost = ended - began if self._written else 0.0  # the first writing loads libraries
        self._written = True
        self._next = ended + max(AT_LEAST, min(cost / SHARE, AT_MOST), cost / LARGEST_SHARE)

    def _write(
        self,
        logged: TrialLog,
        environment: Mapping[str, object],
        running: bool,
        kept: Mapping[str, object] | None,
        findings: Sequence[str],
    ) -> None:
        tables = tabulate(logged)
        # For whoever watches; its presence tells a monitored run from a sweep's.
        state = MonitorState(asked=self._asked, step=logged.steps, running=running, findings=list(findings))
        with storing(self.path):
            self._write_files(tables, state, logged, environment, kept)

    def _write_files(
        self,
        tables: TrialTables,
        state: MonitorState,
        logged: TrialLog,
        environment: Mapping[str, object],
        kept: Mapping[str, object] | None,
    ) -> None:
        self._place = self._place or next_place(self.path)
        with new_files(self.path) as files:
            for name in schema.TABLES:
                table = schema.to_arrow(name, getattr(tables, name), tables.columns)
                with files.open(f"{name}.parquet") as file:
                    pq.write_table(table, file)
            self._write_pictures(tables, files)
            if kept is not None:
                self._write_kept(kept, logged, files)
            about = yaml.safe_dump(
                {"monitor": state.model_dump(exclude={"findings"})}, sort_keys=False, allow_unicode=True
            )
            files.write("suite.yaml", about.encode())
            manifest = RunManifest(
                format=FORMAT,
                suite=self.path.name,
                run=logged.trial,
                environment=dict(environment),
                components=dict(logged.versions),
                seeds=list(logged.seeds),
                counts={"trials": 1, "runs": 1, "failed": 0, "skipped": 0, "excluded": 0},
                times=Times(started=self.started, finished=now(), place=self._place),
                monitor=state,
            )
            manifest.commit(files)
        self._pictured = tuple(tables.samples["steps"].tolist()), files.checksums["samples.npz"]

    def _write_kept(self, kept: Mapping[str, object], logged: TrialLog, files: NewFiles) -> None:
        about = f"{id(logged.evaluator)} {kept.get('scrutiny')}"
        if self._kept is not None and self._kept[0] == about:
            files.keep(STATE, self._kept[1])
            return
        with files.open(STATE) as file:
            torch.save(dict(kept), file)
        self._kept = about, files.checksums[STATE]

    def _write_pictures(self, tables: TrialTables, files: NewFiles) -> None:
        """Write the pictures, or keep the file that is there where they are the same."""
        steps, trial = tuple(tables.samples["steps"].tolist()), str(tables.runs["trial"].iloc[0])
        if self._pictured is not None and steps == self._pictured[0]:
            files.keep("samples.npz", self._pictured[1])
            return
        with files.open("samples.npz") as file, new_archive(file) as archive:
            if steps:
                add_arrays(archive, {f"{trial}/{name}": array for name, array in tables.samples.items()})


def only_claimed(path: Path) -> bool:
    """Return whether a monitor has taken a folder, and has not written its first tables into it, or not to the end."""
    return path.is_dir() and {entry.name for entry in path.iterdir() if not is_unfinished(entry)} == {CLAIM}


def resumable(path: Path) -> tuple[Path, State | None]:
    """Return the folder and the state of the run that a path was given for; None for a state where there is none.

    It lies beside a folder that holds something else, such as the checkpoints of the training; the newest is taken.
    """
    path = path.absolute()
    state = readable_state(path)
    if state is not None or not path.is_dir() or only_claimed(path) or not any(path.iterdir()):
        return path, state
    beside = (entry.name.removeprefix(f"{path.name}-") for entry in path.parent.glob(f"{glob.escape(path.name)}-*"))
    for number in sorted((int(n) for n in beside if n.isdecimal() and n.isascii()), reverse=True):
        tried = path.with_name(f"{path.name}-{number}")
        if asked_of(tried) == path.name and (state := readable_state(tried)) is not None:
            return tried, state
    return path, None


def _free(path: Path) -> Path:
    """Make and return the folder, or the first free one beside it.

    Raises:
        UsageError: it cannot be made or written.
    """
    path = path.absolute()
    if not path.name:
        raise UsageError(f"{path}: has no name; give ganbench.Monitor a folder of its own")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for number in range(1, MOST_FOLDERS):
            tried = path if number == 1 else path.with_name(f"{path.name}-{number}")
            try:
                tried.mkdir()
            except FileExistsError:
                if tried.is_symlink() or not tried.is_dir() or any(tried.iterdir()):
                    continue
            try:
                with new_file(tried / CLAIM, durable=False):
                    _say_where(path, tried)
                    return tried
            except FileExistsError:
                continue  # another monitor was faster
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"{path}: {reason}; give ganbench.Monitor a folder that can be written") from None
    raise UsageError(f"{path}: {MOST_FOLDERS} runs lie beside it; choose another folder")


def _say_where(path: Path, taken: Path) -> None:
    """Say where the tables are, where nobody would look for them: a run beside a run is no surprise."""
    if taken != path and not (path / MANIFEST).exists():
        text = "ganbench.Monitor: %s holds other files, and rows go to %s; give a folder that holds nothing else"
        log.warning(text, path.name, taken.name)
