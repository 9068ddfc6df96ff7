"""Trains the trials side by side in Ray Tune.

Ray only hands out work here. What is done is decided by the results folder: the workers write finished parts
themselves, and Tune's own state is thrown away with the temporary folder that it lies in.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.tune.experiment import Trial as TuneTrial

from ganbench.core.errors import GanbenchError
from ganbench.core.files import StoreError
from ganbench.core.status import Status
from ganbench.sweep.events import TrialProgress
from ganbench.sweep.executors.ray_processes import end_ray, end_with_parent, ray_processes, ray_temp_dir, watched_ray
from ganbench.sweep.executors.ray_search import SCORE, STEP, Asha, InTurn, request_stop, searcher
from ganbench.sweep.executors.ray_session import attach, gpu_fraction, start
from ganbench.sweep.job_source import JobSource
from ganbench.sweep.jobs import TrialJob
from ganbench.sweep.progress import Progress
from ganbench.sweep.signals import Interrupts
from ganbench.sweep.trial_runner import TrialRunner, describe, timeout_text
from ganbench.tables import part_store

MAX_RETRIES = 2
LOCAL = "127.0.0.1"  # of a Ray that we started
GRACE = 5.0  # seconds beyond a trial's deadline after which its worker is killed


class Stop(BaseException):
    """Ends Tune's loop at once; an `Exception` would first wait for every actor."""


def train(
    source: JobSource,
    progress: Progress,
    interrupts: Interrupts,
    *,
    jobs: int | None = None,
    address: str | None = None,
) -> None:
    """Train every trial; each leaves a part or a failure in the results folder.

    Import this module and call this inside `ray_environment()`.

    Args:
        source: the jobs.
        progress: is told where each trial stands.
        interrupts: signals, whose handlers Ray replaces.
        jobs: trials at a time, by default as many as there are cores for.
        address: of a Ray cluster to attach to; its nodes must see the results folder. None starts Ray here.

    Raises:
        UsageError: the cluster cannot be reached or does not see the results folder.
        RayDied: Ray's own processes ended.
        StoreError: the results folder cannot be written.
    """
    with ray_temp_dir() as folder, ray_processes() as processes:
        try:
            with watched_ray(processes, interrupts):
                with interrupts.blocked():  # a Ray that is half started would leave its processes behind
                    fit = attach(address, source) if address else start(source, jobs, folder)
                interrupts.check()
                _sweep(source, progress, interrupts, jobs or fit, folder)
                interrupts.check()
        finally:
            with interrupts.blocked():  # at its end Ray's compiled code takes our handler of SIGTERM away
                end_ray(processes, interrupts)


def _sweep(source: JobSource, progress: Progress, interrupts: Interrupts, jobs: int, folder: Path) -> None:
    follower = Follower(source, progress, interrupts)
    job = source.template
    suggested, number = (InTurn(source), source.limit) if source.adaptive is None else searcher(source.adaptive)
    tuner = tune.Tuner(
        tune.with_resources(
            tune.with_parameters(TrialActor, source=source), {"cpu": job.threads, "gpu": gpu_fraction(job)}
        ),
        tune_config=tune.TuneConfig(
            reuse_actors=True,
            max_concurrent_trials=jobs,
            search_alg=suggested,
            num_samples=number,
            scheduler=_scheduler(job, follower),
        ),
        run_config=tune.RunConfig(
            name="sweep",
            storage_path=str(folder / "tune"),
            failure_config=tune.FailureConfig(max_failures=MAX_RETRIES),
            checkpoint_config=tune.CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False),
            callbacks=[follower],
            verbose=0,
        ),
    )
    try:
        tuner.fit()
    except Stop:
        pass
    if follower.problem is not None:
        raise follower.problem


def _scheduler(job: TrialJob, follower: Follower) -> Asha | None:
    """Return the scheduler of the search that a trial belongs to, if it has one."""
    search = job.search
    if search is None or search.scheduler == "none" or job.objective is None:
        return None
    return Asha(search, job.objective[1], job.trial.steps, follower.request_stop)


class TrialActor(tune.Trainable):
    """Trains one trial after the other in one process, so that torch is imported once."""

    def setup(self, config: dict[str, object], source: JobSource | None = None) -> None:
        """Make this process ready for its first trial."""
        import torch

        assert source is not None  # Tune hands it over by its name
        self.source = source
        end_with_parent()
        torch.set_num_threads(source.template.threads)
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, object]) -> bool:
        """Take the next trial."""
        _end_process_after(0)
        self.job = self.source.job(new_config)
        self.runner: TrialRunner | None = None
        return True

    def step(self) -> dict[str, object]:
        """Train a stretch and report."""
        if self.runner is None:
            self.runner = TrialRunner(self.job)
            _end_process_after(self.job.deadline or 0)
        try:
            report = self.runner.advance()
        except StoreError as error:
            return {"problem": (error.errno, error.strerror), "done": True}
        if report.status is not None:
            _end_process_after(0)
        # A searcher wants a number that is one; the step says since when it holds.
        measured = {} if report.score is None else {SCORE: report.score}
        measured |= {} if report.at_step is None else {STEP: report.at_step}
        return {"report": report, "done": report.status is not None, **measured}


def _end_process_after(seconds: float) -> None:
    """Let the kernel end this process, whatever it hangs in, since nobody handles SIGALRM here; 0 for never.

    Where a system has no timers, a trial that hangs is not ended.
    """
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


class Follower(tune.Callback):
    """Passes on to the progress and the results folder what Tune learns.

    Every hook is guarded, because Tune takes an error in a callback for one of the trial.
    """

    def __init__(self, source: JobSource, progress: Progress, interrupts: Interrupts) -> None:
        self.source, self.progress, self.interrupts = source, progress, interrupts
        self.problem: GanbenchError | None = None
        self.started: dict[str, float] = {}
        self.process: dict[str, int] = {}  # on this machine, of each trial under way
        self.over: set[str] = set()
        self.killed: set[str] = set()
        self.begun: set[str] = set()

    def __reduce__(self) -> tuple[type[object], tuple[()]]:
        """Tune pickles its callbacks, for a resumption that we never ask for."""
        return object, ()

    def on_trial_start(self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: object) -> None:
        """Start a trial's clock; one that was not known before is recorded and shown."""
        self.started[trial.trial_id] = time.monotonic()
        if trial.trial_id not in self.begun:
            self.begun.add(trial.trial_id)
            self._guard(lambda: self._begin(trial.config))

    def on_trial_result(
        self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, result: dict[str, Any], **info: object
    ) -> None:
        """Pass a report on."""
        if result["node_ip"] == LOCAL and result["pid"]:
            self.process[trial.trial_id] = int(result["pid"])
        if "problem" in result:
            self.problem = StoreError(self._job(trial).folder, OSError(*result["problem"]))
        elif self._job(trial).key not in self.over:
            self._guard(lambda: self.progress.update(result["report"]))

    def on_trial_recover(self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: object) -> None:
        """Its worker died and Tune has queued the trial again; one whose time was over fails at once when it starts."""
        if self._overdue(trial):
            self._fail(trial, Status.TIMEOUT, timeout_text(self._job(trial).timeout))
        else:
            self._guard(lambda: self.progress.retried(self._job(trial).key))

    def on_trial_complete(self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: object) -> None:
        """It has ended; others may have waited for that."""
        self._guard(lambda: self._end(trial))

    def on_trial_error(self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: object) -> None:
        """Its worker died once too often."""
        if self._overdue(trial):
            self._fail(trial, Status.TIMEOUT, timeout_text(self._job(trial).timeout))
        else:
            self._fail(trial, Status.FAILED, f"its worker ended {MAX_RETRIES + 1} times: {_cause(trial)}")
        self._guard(lambda: self._end(trial))

    def on_step_end(self, iteration: int, trials: list[TuneTrial], **info: object) -> None:
        """End the sweep where it has to, and trials that their own timer has not ended: a stopped process has none."""
        self.interrupts.check()
        for trial in trials:
            if trial.status == TuneTrial.RUNNING and self._hangs(trial):
                self._kill(trial)
        self._guard(self.progress.tick)
        if self.problem is not None:
            raise Stop

    def request_stop(self, trial: TuneTrial, step: int) -> None:
        """Ask a trial to end at a step (a search's scheduler decides that)."""
        self._guard(lambda: request_stop(self._job(trial), step))

    def _job(self, trial: TuneTrial) -> TrialJob:
        return self.source.job(trial.config)

    def _begin(self, config: Mapping[str, object]) -> None:
        self.source.begin(config)
        self.progress.expect(self.source.job(config), self.source.name)

    def _end(self, trial: TuneTrial) -> None:
        self.progress.trials -= self.source.end(self._job(trial).key)

    def _seconds(self, trial: TuneTrial) -> float:
        now = time.monotonic()
        return now - self.started.get(trial.trial_id, now)

    def _overdue(self, trial: TuneTrial) -> bool:
        timeout = self._job(trial).timeout
        return timeout is not None and self._seconds(trial) >= timeout

    def _hangs(self, trial: TuneTrial) -> bool:
        """Say whether a trial goes on although its worker's own timer was to end it, which comes first."""
        deadline = self._job(trial).deadline
        return deadline is not None and self._seconds(trial) > deadline + GRACE

    def _kill(self, trial: TuneTrial) -> None:
        """Kill a trial's worker, which Tune then takes for dead; its time is over, so that it is not tried again."""
        process = self.process.pop(trial.trial_id, None)
        if process is not None:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        elif trial.trial_id not in self.killed and trial.temporary_state.ray_actor is not None:
            self.killed.add(trial.trial_id)
            ray.kill(trial.temporary_state.ray_actor)

    def _fail(self, trial: TuneTrial, status: Status, text: str) -> None:
        job = self._job(trial)
        if job.key not in self.over:
            self.over.add(job.key)
            self._guard(lambda: part_store.write_failure(job.folder, job.key, status, text))
            report = TrialProgress(job.key, status, seconds=self._seconds(trial), error=text)
            self._guard(lambda: self.progress.update(report))

    def _guard(self, action: Callable[[], None]) -> None:
        try:
            action()
        except GanbenchError as error:
            self.problem = error
        except Exception as error:  # noqa: BLE001 - see the class
            self.problem = GanbenchError(f"the run cannot be followed: {describe(error)}")


def _cause(trial: TuneTrial) -> str:
    """Return why a worker ended, from the file in which Tune keeps the last error."""
    try:
        text = Path(trial.error_file or "").read_text(errors="replace").strip()
    except OSError:
        return "no reason known"
    if "worker process has died" in text or "actor died" in text:
        return "killed or out of memory"
    return text.splitlines()[-1][:400]
