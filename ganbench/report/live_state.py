"""Where a sweep or a monitored run stands, read from its files alone: nothing is written, nothing unpickled."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from ganbench.core.errors import UsageError
from ganbench.core.file_set import MANIFEST
from ganbench.core.naming import trial_id
from ganbench.sweep.progress_file import SweepState, TrialState
from ganbench.tables import part_store
from ganbench.tables.manifest import MonitorState, RunManifest
from ganbench.tables.results import load

if TYPE_CHECKING:
    import pandas as pd

NUMBERS = {"modes_captured": "modes", "hq_fraction": "hq", "fid": "fid", "total_spread": "spread"}
SERIES = ("grad_norm_g", "modes_captured", "total_spread")
MOST_PARTS = 400  # whose tables are read; of a larger sweep the others show without curves
ROWS = 5  # whose median a share of a term is
WAITING, RUNNING = "waiting", "running"


@dataclass(frozen=True)
class Watched:
    """One trial, or one monitored run.

    Attributes:
        state: `waiting`, `running` or the status it ended with.
        share: of the steps done. numbers: the latest, by column. series: the course of some of them.
        verdicts: of its runs, most frequent first: `healthy 6, total collapse 2`.
        note: an error, or the evidence of a verdict.
    """

    key: str
    name: str
    state: str
    share: float = 0.0
    numbers: Mapping[str, float] = field(default_factory=dict)
    series: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    verdicts: str = ""
    note: str = ""


@dataclass(frozen=True)
class State:
    """All that a frame shows.

    Attributes:
        title: what is watched. updated: its last sign of life, ISO 8601. ended: nothing more is to come.
    """

    title: str
    trials: tuple[Watched, ...]
    updated: str
    ended: bool

    @property
    def counts(self) -> Counter[str]:
        """Return how many trials are in each state."""
        return Counter(trial.state for trial in self.trials)


class Reader:
    """Reads the same place again and again; what cannot change any more is read once.

    Args:
        path: a suite's folder (`results/<suite>`), one of its runs, or a monitor's folder.

    Raises:
        UsageError: it is none of them.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._parts: dict[str, Watched] = {}
        manifest = _manifest(path)
        self._monitored = manifest is not None and manifest.monitor is not None
        if self._monitored:
            return
        if manifest is not None and (path.parent / "parts").is_dir():  # a run of a suite: watch the suite
            self.path = path.parent
        if not (self.path / "parts").is_dir() and SweepState.read(self.path) is None:
            problem = "is not a folder" if not path.is_dir() else "holds neither a sweep nor a monitored run"
            raise UsageError(f"{path}: {problem}; give results/<suite>, or the folder of a ganbench.Monitor")

    def read(self) -> State:
        """Return where things stand now."""
        return self._run() if self._monitored else self._sweep()

    def _run(self) -> State:
        try:
            results = load(self.path)
        except UsageError as problem:  # what is damaged shows nothing
            return State(str(problem), (), "", False)
        manifest, run, history = results.manifest, results.runs, results.history
        about = manifest.monitor or MonitorState()
        running, name = about.running, manifest.suite or self.path.name
        trials = ()
        if not run.empty:
            one = _described(str(run["trial"].iloc[0]), name, run, history)
            state = RUNNING if running else one.state
            note = "; ".join(filter(None, (one.note, _terms(history))))
            trials = (Watched(one.key, name, state, 1.0, one.numbers, one.series, one.verdicts, note),)
        return State(f"{name}, step {about.step:,}", trials, manifest.times.finished, not running)

    def _sweep(self) -> State:
        progress = SweepState.read(self.path) or SweepState()
        trials = [self._trial(entry) for entry in progress.trials]
        if not trials:  # otherwise parts that are not listed are of earlier states of the suite
            trials = [self._part(key, "") for key in self._finished()]
        title = " · ".join(filter(None, (self.path.resolve().name, progress.problem)))
        return State(title, tuple(trials), progress.updated, not progress.running)

    def _finished(self) -> Iterable[str]:
        return sorted(part.parent.name for part in (self.path / "parts").glob("[0-9a-f]*/part.json"))

    def _trial(self, entry: TrialState) -> Watched:
        if entry.state in ("done", "OK"):
            return self._part(entry.key, entry.name)
        series = {name: tuple(points) for name, points in entry.series.items()}
        return Watched(entry.key, entry.name, entry.state, entry.share, entry.numbers, series, "", entry.error)

    def _part(self, key: str, name: str) -> Watched:
        """Return a finished trial; its tables never change."""
        trial = self._parts.get(key)
        if trial is None:
            tables = part_store.look(self.path, key) if len(self._parts) < MOST_PARTS else None
            if tables is None:
                return Watched(key, name or trial_id(key), "OK", 1.0)
            trial = self._parts[key] = _described(key, name, tables["runs"], tables["history"])
        return trial


def _described(key: str, name: str, run: pd.DataFrame, history: pd.DataFrame) -> Watched:
    """Return a trial from its tables."""
    from ganbench.analysis.verdicts import verdict_of
    from ganbench.core.naming import AXES

    by_run = {str(one): rows for one, rows in history.groupby("run")}
    nothing = history.iloc[:0]
    records = [(str(record["run"]), record) for record in run.to_dict("records")]
    verdicts = [verdict_of(by_run[one] if one in by_run else nothing, record) for one, record in records]
    counts = Counter(verdict.verdict for verdict in verdicts)
    tally = ", ".join(f"{verdict} {n}" if len(verdicts) > 1 else verdict for verdict, n in counts.most_common())
    worst = next((v for v in verdicts if v.verdict not in ("healthy", "unclear")), None)
    numbers = _latest(history)
    if not name:
        name = " · ".join(str(run[axis].iloc[0]) for axis in AXES[:-1])
    series = {column: _course(history, column) for column in SERIES}
    statuses = {str(status) for status in run["status"]}
    state = statuses.pop() if len(statuses) == 1 else "OK"
    note = f"{worst.text}; {worst.remedy}" if worst is not None else ""
    known = {column: course for column, course in series.items() if course}
    return Watched(key, name, state, 1.0, numbers, known, tally, note)


def _latest(history: pd.DataFrame) -> dict[str, float]:
    """Return the last known numbers: the seeds' mean of each metric, and median of the gradient norms."""
    courses = {column: _course(history, column, "mean") for column in NUMBERS}
    courses |= {column: _course(history, column) for column in ("grad_norm_g", "grad_norm_d")}
    return {column: course[-1] for column, course in courses.items() if course}


def _terms(history: pd.DataFrame) -> str:
    """Return the shares of the terms in the generator's gradient, of the last rows; empty where none were given."""
    start = "term_share_"
    courses = {name.removeprefix(start): _course(history, name)[-ROWS:] for name in history if name.startswith(start)}
    shares = [f"{name} {100 * median(course):.3g} %" for name, course in courses.items() if course]
    return f"of the generator's gradient: {', '.join(shares)}" if shares else ""


def _course(history: pd.DataFrame, column: str, statistic: str = "median") -> tuple[float, ...]:
    """Return a statistic over the seeds of a column, one value per step where it is known."""
    if column not in history:
        return ()
    return _floats(history.dropna(subset=[column]).groupby("step")[column].agg(statistic).tolist())


def _floats(points: object) -> tuple[float, ...]:
    values = points if isinstance(points, list) else []
    return tuple(float(v) for v in values if isinstance(v, int | float) and math.isfinite(v))


def _manifest(folder: Path) -> RunManifest | None:
    """Return a folder's manifest; None where there is none that can be read."""
    try:
        return RunManifest.read(folder / MANIFEST)
    except (OSError, ValueError):
        return None
