"""Hands the rows of finished trials to experiment trackers, while the sweep goes on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ganbench.core.naming import SEPARATOR
from ganbench.core.status import Status
from ganbench.sinks import Sink, Writers
from ganbench.sweep.events import TrialProgress
from ganbench.sweep.jobs import TrialJob

NOT_NUMBERS = ("run", "trial", "seed", "setting", "step")


class SinkExport:
    """Writes each trial that finishes, one run of the tracker per seed.

    Args:
        folder: `results/<suite>`.
        jobs: the trials of the run.
        sinks: the trackers.
    """

    def __init__(self, folder: Path, jobs: Sequence[TrialJob], sinks: Sequence[Sink]) -> None:
        self._folder, self._sinks = folder, sinks
        self._trials = {job.key: job.trial for job in jobs}

    def add(self, job: TrialJob) -> None:
        """Take in a trial that came later."""
        self._trials[job.key] = job.trial

    def take(self, report: TrialProgress) -> None:
        """Write the history of a trial that has finished now."""
        if report.status is Status.OK:
            self.write(report.key)

    def write(self, key: str) -> None:
        """Write the history of a trial that has a part."""
        from ganbench.tables import part_store

        trial, history = self._trials.get(key), part_store.read_table(self._folder, key, "history")
        if history is None or trial is None:
            return
        numbers = [str(name) for name in history if name not in NOT_NUMBERS]
        by_run = dict(iter(history.groupby("run")))
        for run, lane in zip(trial.runs, trial.lanes, strict=True):
            setting = {} if lane.setting is None else {"setting": str(lane.setting.number)}
            labels = {**setting, "seed": str(lane.seed)}
            name = SEPARATOR.join([trial.name, *(f"{key} {value}" for key, value in labels.items())])
            writers = Writers(self._sinks, name, {**trial.labels, **labels})
            rows = by_run.get(run)
            for row in [] if rows is None else rows.sort_values("step").to_dict("records"):
                writers.write(int(row["step"]), {name: float(row[name]) for name in numbers})
            writers.close()
