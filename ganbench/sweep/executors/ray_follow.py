"""Follows a sweep in Ray Tune: tells the progress and the ledger what Tune learns."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ray import tune

from ganbench.core.errors import GanbenchError
from ganbench.core.files import StoreError
from ganbench.core.status import Status
from ganbench.sweep.executors.ray_search import request_stop
from ganbench.sweep.executors.ray_worker import Source, job_of
from ganbench.sweep.progress import Progress
from ganbench.sweep.search_log import Adaptive
from ganbench.sweep.signals import Interrupts
from ganbench.sweep.trial_runner import TrialJob, TrialProgress, describe, timeout_text
from ganbench.tables import part_store as store

MAX_RETRIES = 2


class Stop(BaseException):
    """Ends Tune's loop at once; an `Exception` would first wait for every actor."""


class Watch(tune.Callback):
    """Tells the progress and the ledger what Tune learns.

    Every hook is guarded, because Tune takes an error in a callback for one of the trial.
    """

    def __init__(self, source: Source, progress: Progress, interrupts: Interrupts) -> None:
        self.source, self.progress, self.interrupts = source, progress, interrupts
        self.problem: GanbenchError | None = None
        self.started: dict[str, float] = {}
        self.over: set[str] = set()
        self.noted: set[str] = set()

    def __reduce__(self) -> tuple[Any, ...]:
        """Tune pickles its callbacks, for a resumption that we never ask for."""
        return object, ()

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:  # noqa: ANN401
        """Start a trial's clock."""
        self.started[trial.trial_id] = time.monotonic()
        if isinstance(self.source, Adaptive) and trial.trial_id not in self.noted:
            self.noted.add(trial.trial_id)
            self._guard(lambda: self._note(self.source, trial.config))

    def on_trial_result(
        self,
        iteration: int,
        trials: list[Any],
        trial: Any,  # noqa: ANN401
        result: dict[str, Any],
        **info: Any,  # noqa: ANN401
    ) -> None:
        """PlayerUpdate on a report."""
        if "problem" in result:
            self.problem = StoreError(self._job(trial).folder, OSError(*result["problem"]))
        elif self._job(trial).key not in self.over:
            self._guard(lambda: self.progress.update(result["report"]))

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:  # noqa: ANN401
        """Its worker died and Tune has queued the trial again; one whose time was over fails at once when it starts."""
        if self._overdue(trial):
            self._fail(trial, Status.TIMEOUT, timeout_text(self._job(trial).timeout))
        else:
            self._guard(lambda: self.progress.retried(self._job(trial).key))

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:  # noqa: ANN401
        """Its worker died once too often."""
        if self._overdue(trial):
            self._fail(trial, Status.TIMEOUT, timeout_text(self._job(trial).timeout))
        else:
            self._fail(trial, Status.FAILED, f"its worker ended {MAX_RETRIES + 1} times: {_cause(trial)}")

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:  # noqa: ANN401
        """End the sweep where it has to."""
        self.interrupts.check()
        self._guard(self.progress.tick)
        if self.problem is not None:
            raise Stop

    def _job(self, trial: Any) -> TrialJob:  # noqa: ANN401
        return job_of(self.source, trial.config)

    def request_stop(self, trial: Any, step: int) -> None:  # noqa: ANN401 - Tune's
        """StopRequest a trial to end at a step (a search's scheduler decides that)."""
        self._guard(lambda: request_stop(self._job(trial), step))

    def _note(self, source: Source, config: dict[str, Any]) -> None:
        """Write down what a searcher suggests, and show it."""
        if isinstance(source, Adaptive):
            source.note(config)
            self.progress.expect(source.work(config))

    def _seconds(self, trial: Any) -> float:  # noqa: ANN401
        now = time.monotonic()
        return now - self.started.get(trial.trial_id, now)

    def _overdue(self, trial: Any) -> bool:  # noqa: ANN401
        timeout = self._job(trial).timeout
        return timeout is not None and self._seconds(trial) >= timeout

    def _fail(self, trial: Any, status: Status, text: str) -> None:  # noqa: ANN401
        work = self._job(trial)
        if work.key not in self.over:
            self.over.add(work.key)
            self._guard(lambda: store.write_failure(work.folder, work.key, status, text))
            report = TrialProgress(work.key, status, seconds=self._seconds(trial), error=text)
            self._guard(lambda: self.progress.update(report))

    def _guard(self, action: Callable[[], None]) -> None:
        try:
            action()
        except GanbenchError as error:
            self.problem = error
        except Exception as error:  # noqa: BLE001 - see the class
            self.problem = GanbenchError(f"the run cannot be followed: {describe(error)}")


def _cause(trial: Any) -> str:  # noqa: ANN401 - Tune's trial
    """Return why a worker ended, from the file in which Tune keeps the last error."""
    try:
        text = Path(trial.error_file or "").read_text(errors="replace").strip()
    except OSError:
        return "no reason known"
    if "worker process has died" in text or "actor died" in text:
        return "killed or out of memory"
    return text.splitlines()[-1][:400]
