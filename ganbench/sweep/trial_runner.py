"""One trial being trained, in whichever process: its clock, its checkpoint, and what it leaves in the ledger."""

from __future__ import annotations

import errno
import json
import math
import time
import traceback
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.core import registry
from ganbench.core.component import Component
from ganbench.core.errors import UsageError
from ganbench.core.files import StoreError
from ganbench.core.status import Status
from ganbench.core.trial import Trial
from ganbench.suite.space import Search, score

if TYPE_CHECKING:
    from ganbench.training.trainer import Trainer

REPORT_SECONDS = 1.0
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


@dataclass(frozen=True)
class TrialJob:
    """A trial to train and where its results go.

    Attributes:
        folder: `results/<suite>`. timeout: seconds after which the trial is given up. threads: torch threads.
        own: components that only the process which made the plan knows; they are registered where the trial trains.
        device: `"cpu"`, `"cuda"`, or `"auto"` for a GPU where there is one. gpus: the share of a GPU that it takes.
        objective: of a search: the column that it looks at, and `"min"` or `"max"`. search: its settings.
    """

    trial: Trial
    key: str
    folder: Path
    timeout: float | None = None
    threads: int = 1
    own: tuple[type[Component], ...] = ()
    device: str = "cpu"
    gpus: float = 1.0
    objective: tuple[str, str] | None = None
    search: Search | None = None

    def of(self, trial: Trial) -> TrialJob:
        """Return another trial's work under the same terms."""
        return replace(self, trial=trial, key=trial.key)

    @property
    def scheduled(self) -> bool:
        """Say whether somebody looks at the trial at its evaluations."""
        return self.search is not None and self.search.scheduler != "none"

    @property
    def stop_request(self) -> Path:
        """Return the file in which a search's scheduler orders the trial to end."""
        return self.checkpoint.with_suffix(".stop.json")

    @property
    def checkpoint(self) -> Path:
        """Return the file that a long trial saves itself to."""
        return self.folder / "checkpoints" / f"{self.key}.pt"

    @property
    def deadline(self) -> float | None:
        """Return after how many seconds a trial that does not watch its clock is ended from outside."""
        return None if self.timeout is None else 2.0 + 1.1 * self.timeout

    def trainer(self) -> Trainer:
        """Return the trial's trainer, which goes on from the checkpoint if there is one."""
        from ganbench.training.trainer import Trainer

        for cls in self.own:
            registry.register(cls)
        return Trainer(self.trial, device_here(self.device), checkpoint=self.checkpoint)


def device_here(wanted: str) -> str:
    """Return the device to train on in this process.

    Raises:
        UsageError: a GPU is asked for, and torch can use none here.
    """
    if wanted == "cpu":
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if wanted == "auto":
        return "cpu"
    raise UsageError(f"resources.device: torch {torch.__version__} can use no GPU here; say cpu or auto, see `doctor`")


@dataclass(frozen=True)
class TrialProgress:
    """Where a trial stands.

    Attributes:
        status: None while it trains, then OK, FAILED or TIMEOUT (a diverged seed is in `numbers`, not here).
        share: of the steps done, in [0, 1]. numbers: current means over seeds; of a finished trial also what real
            samples get, `<metric>_floor`. seconds: since this attempt began.
    """

    key: str
    status: Status | None = None
    share: float = 0.0
    numbers: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    error: str = ""
    score: float | None = None
    at_step: int | None = None


def finished_score(work: TrialJob) -> float | None:
    """Return the score of a trial that has a part, or None."""
    from ganbench.tables import part_store as store

    if work.objective is None:
        return None
    column, mode = work.objective
    runs = store.read_table(work.folder, work.key, "runs", [column])
    if runs is None:
        return None
    return score([float(value) for value in runs[column]] if column in runs else [math.nan], mode)


def timeout_text(timeout: float | None) -> str:
    """Return the error of a trial that ran out of time."""
    return f"not finished after {timeout:g} s (resources.timeout)"


class TrialRunner:
    """Trains one trial a stretch at a time; what raises becomes a failure in the ledger."""

    def __init__(self, work: TrialJob) -> None:
        self.job = work
        self.started = time.monotonic()
        self.trainer: Trainer | None = None

    @property
    def seconds(self) -> float:
        """Return how long this attempt has lasted."""
        return time.monotonic() - self.started

    def advance(self, seconds: float = REPORT_SECONDS) -> TrialProgress:
        """Train for about so long and, once finished, write the part.

        Raises:
            StoreError: the results folder cannot be written: nothing more can be kept.
        """
        try:
            return self._advance(seconds)
        except StoreError:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a component may raise anything; the others go on
            if isinstance(error, OSError) and error.errno in DISK_ERRORS:  # from a checkpoint
                raise StoreError(self.job.folder, error) from error
            return self.fail(Status.FAILED, describe(error))

    def _advance(self, seconds: float) -> TrialProgress:
        from ganbench.tables import part_store as store

        timeout = self.job.timeout
        if self.trainer is None:
            failure = store.read_failure(self.job.folder, self.job.key)
            if failure is not None:  # its worker was ended from outside, and this is Ray's retry
                return TrialProgress(self.job.key, Status(failure["status"]), error=failure["error"])
            if self.job.objective and store.has_part(self.job.folder, self.job.key):
                return TrialProgress(
                    self.job.key, Status.OK, 1.0, score=finished_score(self.job)
                )  # sampled a second time
            self.trainer = self.job.trainer()
        self._poll_stop_request(self.trainer)
        left = seconds if timeout is None else min(seconds, timeout - self.seconds)
        if left > 0 and not self.trainer.finished:
            self.trainer.advance(left, **({"to_evaluation": True} if self.job.scheduled else {}))
        if self.trainer.finished:
            tables = self.trainer.tables()
            store.write_part(self.job.folder, self.job.key, tables)
            self.job.checkpoint.unlink(missing_ok=True)
            self.job.stop_request.unlink(missing_ok=True)
            report = self._report(self.trainer, Status.OK)
            floors = [name for name in tables.runs.columns if name.endswith("_floor")]
            same = tables.runs.iloc[0]  # of all seeds
            return replace(report, numbers=report.numbers | {name: float(same[name]) for name in floors})
        if timeout is not None and self.seconds >= timeout:
            return self.fail(Status.TIMEOUT, timeout_text(timeout))
        return self._report(self.trainer, None)

    def fail(self, status: Status, error: str) -> TrialProgress:
        """Write a failure into the ledger.

        Raises:
            StoreError: the results folder cannot be written.
        """
        from ganbench.tables import part_store as store

        store.write_failure(self.job.folder, self.job.key, status, error)
        return TrialProgress(self.job.key, status, seconds=self.seconds, error=error)

    def _report(self, trainer: Trainer, status: Status | None) -> TrialProgress:
        numbers = {name: float(value) for name, value in trainer.progress().items()}
        if "alive" in numbers:
            numbers["diverged"] = len(self.job.trial.seeds) - numbers["alive"]
        share = 1.0 if status else trainer.step / max(1, self.job.trial.steps)
        return TrialProgress(self.job.key, status, share, numbers, self.seconds, "", *self._score(trainer))

    def _poll_stop_request(self, trainer: Trainer) -> None:
        """PlayerUpdate on the order of a search's scheduler, if there is one."""
        from ganbench.training.stopping import StopRequest

        if self.job.objective is None or trainer.finished or not self.job.stop_request.exists():
            return
        try:
            found = json.loads(self.job.stop_request.read_bytes())
            trainer.stop(StopRequest(int(found["step"]), str(found["reason"])))
        except (ValueError, KeyError, TypeError):
            pass  # half written: it is read again after the next stretch

    def _score(self, trainer: Trainer) -> tuple[float | None, int | None]:
        """Return what a search is to know: the score and the step at which it was measured."""
        from ganbench.training.objective import last_measured

        if self.job.objective is None:
            return None, None
        column, mode = self.job.objective
        found = last_measured(trainer, column)
        if found is None:
            return (score([math.nan], mode), None) if trainer.finished else (None, None)
        return score(found[1], mode), found[0]


def describe(error: BaseException) -> str:
    """Return `ValueError: text (losses/hinge.py:31)` in one line of at most 500 characters."""
    text = " ".join(f"{type(error).__name__}: {error}".split())[:400]
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({'/'.join(Path(frames[-1].filename).parts[-2:])}:{frames[-1].lineno})" if frames else ""
    return text + where[:100]
