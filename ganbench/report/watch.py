"""The page of a run that is under way, written again as trials finish."""

from __future__ import annotations

import datetime
import os
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ganbench.core.errors import UsageError
from ganbench.core.file_set import MANIFEST, new_files
from ganbench.report.page import write_report
from ganbench.sweep.progress_file import SweepState
from ganbench.tables import part_store
from ganbench.tables.manifest import RunManifest
from ganbench.tables.merge import merge
from ganbench.tables.results import find_run

EVERY = 2.0
SILENT = 300.0  # seconds without a sign of life after which a sweep counts as ended


def page_name(folder: Path) -> str:
    """Return what a run's page is called: its suite; a monitored run is of none and has a name of its own."""
    folder = folder.resolve()
    try:
        manifest = RunManifest.read(folder / MANIFEST)
    except (OSError, ValueError):
        return folder.parent.name
    if not manifest.suite:
        return folder.parent.name
    suite = "" if manifest.monitor is not None else manifest.suite
    # A name from a file must not lead anywhere.
    return suite if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", suite) else folder.name


def watch(run: Path, report: Path, say: Callable[[str], None], every: float = EVERY) -> None:
    """Write the page of a run again whenever there is more of it, until it ends.

    Args:
        run: a suite's folder or a run's; a sweep may be at it, or anybody who rewrites the tables.
        report: folder of pages.
        say: is called with a line for every page.
        every: seconds between looks.
    """
    folder = next((f for f in (run, run.parent) if SweepState.read(f) is not None), None)
    if folder is None:
        _rewritten(run, report, say, every)
        return
    out, seen = report / f"{folder.resolve().name}.html", -1
    while (state := SweepState.read(folder) or SweepState()).running and not _silent(state):
        trials = state.trials
        keys = [t.key for t in trials if t.state != "waiting" and part_store.has_part(folder, t.key)]
        if keys and len(keys) != seen:
            seen, note = len(keys), f"{len(keys)} of {len(trials)} trials are done"
            _write_so_far(folder, keys, out, note)
            say(f"report  {out}  {note}")
        time.sleep(every)
    if state.problem:
        say(f"{folder}: {state.problem}")
    if state.running:
        raise UsageError(f"{folder}: no sign of life since {state.updated}; run the suite again to go on")
    say(f"report  {write_report(find_run(run), out)}  finished")


def _write_so_far(folder: Path, keys: list[str], out: Path, note: str) -> None:
    """Write the page of the trials that are done, from tables merged aside: the sweep's own are left alone."""
    with tempfile.TemporaryDirectory(prefix="ganbench-") as aside:
        run = Path(aside) / folder.resolve().name / "so-far"
        run.parent.mkdir()
        with new_files(run) as files:
            merge(folder, dict.fromkeys(keys), {}, files)
            files.write("suite.yaml", b"")
            RunManifest(suite=folder.resolve().name).commit(files)
        write_report(run, out, note)


def _rewritten(run: Path, report: Path, say: Callable[[str], None], every: float) -> None:
    """Follow tables that somebody rewrites, until interrupted."""
    seen = 0
    while True:
        folder = find_run(run)
        changed = os.lstat(folder / MANIFEST).st_mtime_ns  # it is always there; a table may be missing
        if changed != seen:
            seen = changed
            page = write_report(folder, report / f"{page_name(folder)}.html", "It may still be growing")
            say(f"report  {page}")
        time.sleep(every)


def _silent(state: SweepState) -> bool:
    try:
        updated = datetime.datetime.fromisoformat(state.updated)
    except ValueError:
        return True
    if updated.tzinfo is None:
        return True
    return (datetime.datetime.now(datetime.UTC) - updated).total_seconds() > SILENT
