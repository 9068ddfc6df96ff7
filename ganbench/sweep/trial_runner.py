"""Trains one trial, in whichever process: its clock, its checkpoint, and what it leaves in the results folder."""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.core.errors import Interrupted, described
from ganbench.core.files import StoreError
from ganbench.core.results_files import MisplacedError, read_json
from ganbench.core.status import Status
from ganbench.suite.space import score
from ganbench.sweep.events import TrialProgress
from ganbench.sweep.jobs import TrialJob

if TYPE_CHECKING:
    from ganbench.training.packs import Packs
    from ganbench.training.trainer import Trainer

REPORT_SECONDS = 1.0
FIRST_SECONDS = 0.1  # of a trial, so that its first numbers are soon there


def timeout_text(timeout: float | None) -> str:
    """Return the error of a trial that ran out of time."""
    return f"not finished after {timeout:g} s (resources.timeout)"


class StopTraining(BaseException):
    """Ends a stretch of training from outside; not an `Exception`, so that no trial takes it for its own error."""


class TrialRunner:
    """Trains one trial a stretch at a time; what raises becomes a failure in the results folder.

    Args:
        job: the trial.
        interrupted: says whether a signal came to this process: only then is a KeyboardInterrupt not the trial's own.
    """

    def __init__(self, job: TrialJob, interrupted: Callable[[], bool] = lambda: False) -> None:
        self.job, self._interrupted = job, interrupted
        self.started = time.monotonic()
        self.trainer: Trainer | Packs | None = None

    @property
    def seconds(self) -> float:
        """Return how long this runner has been at it."""
        return time.monotonic() - self.started

    def advance(self, seconds: float = REPORT_SECONDS) -> TrialProgress:
        """Train for about so long and, once finished, write the part.

        Raises:
            StoreError: the results folder cannot be written: nothing more can be kept.
        """
        try:
            return self._advance(seconds)
        except (StoreError, MisplacedError, StopTraining, Interrupted):
            raise
        except BaseException as error:  # noqa: BLE001 - a component may raise anything; the others go on
            if self._interrupted():
                raise
            return self.fail(Status.FAILED, describe(error))

    def _advance(self, seconds: float) -> TrialProgress:
        timeout = self.job.timeout
        if self.trainer is None:
            if (past := self._past()) is not None:
                return past
            self.trainer = self.job.trainer()
            seconds = min(seconds, FIRST_SECONDS)
        self._poll_stop_request(self.trainer)
        left = seconds if timeout is None else min(seconds, timeout - self.seconds)
        if left > 0 and not self.trainer.finished:
            self.trainer.advance(left, **({"to_evaluation": True} if self.job.scheduled else {}))
        if self.trainer.finished:
            return self._finish(self.trainer)
        if timeout is not None and self.seconds >= timeout:
            return self.fail(Status.TIMEOUT, timeout_text(timeout))
        return self._report(self.trainer, None)

    def _past(self) -> TrialProgress | None:
        """Return how the trial ended before this runner; None where it has to be trained."""
        from ganbench.tables import part_store

        failure = part_store.read_failure(self.job.folder, self.job.key)
        if failure is not None:  # its worker was ended from outside, and this is Ray's retry
            return TrialProgress(self.job.key, Status(failure["status"]), error=failure["error"])
        if self.job.objective and self.job.done:  # a searcher suggested it a second time
            return TrialProgress(self.job.key, Status.OK, 1.0, score=self.job.finished_score())
        return None

    def _finish(self, trainer: Trainer | Packs) -> TrialProgress:
        """Write the part and report, with what real samples get."""
        from ganbench.tables import part_store

        tables = trainer.tables()
        part_store.write_part(self.job.folder, self.job.key, tables)
        for checkpoint in self.job.checkpoints():
            checkpoint.unlink(missing_ok=True)
        self.job.stop_request.unlink(missing_ok=True)
        report = self._report(trainer, Status.OK)
        floors = [name for name in tables.runs.columns if name.endswith("_floor")]
        row = tables.runs.iloc[0]  # floors are the same for all seeds
        return replace(report, numbers=report.numbers | {name: float(row[name]) for name in floors})

    def fail(self, status: Status, error: str) -> TrialProgress:
        """Write a failure into the results folder.

        Raises:
            StoreError: it cannot be written.
        """
        from ganbench.tables import part_store

        part_store.write_failure(self.job.folder, self.job.key, status, error)
        return TrialProgress(self.job.key, status, seconds=self.seconds, error=error)

    def _report(self, trainer: Trainer | Packs, status: Status | None) -> TrialProgress:
        numbers = {name: float(value) for name, value in trainer.progress().items()}
        if "alive" in numbers:
            numbers["diverged"] = len(self.job.trial.lanes) - numbers["alive"]
        share = 1.0 if status else trainer.step / max(1, self.job.trial.steps)
        return TrialProgress(self.job.key, status, share, numbers, self.seconds, "", *self._score(trainer))

    def _poll_stop_request(self, trainer: Trainer | Packs) -> None:
        """Pass on to the trainer what a search's scheduler asks for, if it asks for anything."""
        if self.job.objective is None or trainer.finished:
            return
        from ganbench.training.packs import Packs
        from ganbench.training.stopping import StopRequest

        assert not isinstance(trainer, Packs)  # a search's trial is not split
        try:
            request = read_json(self.job.stop_request)
            if request.get("key", self.job.key) == self.job.key:  # earlier versions did not write it
                trainer.stop(StopRequest(int(request["step"]), str(request["reason"])))
        except FileNotFoundError:
            return
        except (ValueError, KeyError, TypeError, OverflowError):
            pass  # not one of ours

    def _score(self, trainer: Trainer | Packs) -> tuple[float | None, int | None]:
        """Return what a search is to know: the score and the step at which it was measured."""
        if self.job.objective is None:
            return None, None
        from ganbench.training.packs import Packs

        assert not isinstance(trainer, Packs)
        column, mode = self.job.objective
        measured = trainer.last_measured(column)
        if measured is None:
            return (score([math.nan], mode), None) if trainer.finished else (None, None)
        step, values = measured
        return score(values, mode), step


def describe(error: BaseException) -> str:
    """Return `ValueError: text (losses/hinge.py:31)` in one line of at most 500 characters."""
    text = described(error)
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({'/'.join(Path(frames[-1].filename).parts[-2:])}:{frames[-1].lineno})" if frames else ""
    return text + where[:100]
