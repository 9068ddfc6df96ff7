"""Trains the trials side by side in Ray Tune: the only import of ray.

Ray only hands out work here. What is done is decided by the ledger: the actors write finished parts themselves, and
Tune's own state is thrown away with the temporary folder it lives in.
"""

from __future__ import annotations

import logging
import secrets
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from ganbench.core.errors import GanbenchError, UsageError
from ganbench.core.status import Status
from ganbench.sweep.attempt import Attempt, Report, Work, describe, timeout_text
from ganbench.sweep.estimate import cores
from ganbench.sweep.progress import Progress
from ganbench.sweep.signals import Interrupts
from ganbench.tables import store
from ganbench.tables.files import StoreError

MAX_RETRIES = 2
OBJECT_STORE_BYTES = 80_000_000


def train(
    works: Sequence[Work],
    progress: Progress,
    interrupts: Interrupts,
    *,
    jobs: int | None = None,
    address: str | None = None,
) -> None:
    """Train every trial; each leaves a part or a failure in the ledger.

    Import this module and call this inside `ray_environment()`.

    Args:
        works: the trials.
        progress: told of everything.
        interrupts: signals, whose handlers Ray replaces.
        jobs: trials at a time, by default as many as there are cores for.
        address: of a Ray cluster to attach to; its nodes must see the results folder. None starts Ray here.

    Raises:
        UsageError: the cluster cannot be reached or does not see the results folder.
        StoreError: the results folder cannot be written.
    """
    scratch = Path(tempfile.mkdtemp(prefix="ganbench-"))
    try:
        at_once = attach(address, works) if address else start(works, jobs, scratch)
        interrupts.install()
        _sweep(works, progress, interrupts, min(jobs or at_once, len(works)), scratch)
    finally:
        ray.shutdown()
        shutil.rmtree(scratch, ignore_errors=True)


def start(works: Sequence[Work], jobs: int | None, scratch: Path) -> int:
    """Start Ray for this process alone and return how many trials fit.

    Raises:
        GanbenchError: it does not start.
    """
    threads = works[0].threads
    fit = min(jobs or max(1, cores() // threads), len(works))
    try:
        _init(
            address="local",  # and not what RAY_ADDRESS says
            num_cpus=fit * threads,
            num_gpus=0,
            include_dashboard=False,
            object_store_memory=OBJECT_STORE_BYTES,
            _node_ip_address="127.0.0.1",
            # Ray's sockets lie there, and the path of a socket has at most 107 bytes.
            _temp_dir=str(scratch / "ray") if len(str(scratch)) < 32 else None,
        )
    except Exception as error:  # noqa: BLE001 - Ray raises what its layers raise
        raise GanbenchError(f"Ray did not start ({describe(error)}); `--executor local` runs without it") from error
    return fit


def attach(address: str, works: Sequence[Work]) -> int:
    """Attach to a cluster, check that its nodes can do the work, and return how many trials fit.

    Raises:
        UsageError: no cluster there, or a node does not share the results folder or lacks ganbench.
    """
    try:
        _knock(address)
        _init(address=address)
    except Exception as error:  # noqa: BLE001 - as above
        raise UsageError(
            f"--address {address}: no Ray cluster to attach to ({describe(error)}); start one or leave it out"
        ) from error
    _check_nodes(works[0].folder, address)
    return max(1, int(ray.cluster_resources().get("CPU", 1)) // works[0].threads)


def _knock(address: str) -> None:
    """Raise an OSError where nobody listens: Ray itself would try for minutes, and say so past all its settings."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon:
        socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()


def _init(**options: Any) -> None:  # noqa: ANN401 - Ray's own
    for name in ("ray", "ray.tune", "ray.data", "ray._private"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    ray.init(log_to_driver=False, configure_logging=False, logging_level=logging.CRITICAL, **options)


def _sweep(works: Sequence[Work], progress: Progress, interrupts: Interrupts, jobs: int, scratch: Path) -> None:
    watch = Watch(works, progress, interrupts)
    tuner = tune.Tuner(
        tune.with_resources(tune.with_parameters(TrialActor, works=list(works)), {"cpu": works[0].threads}),
        param_space={"index": tune.grid_search(list(range(len(works))))},
        tune_config=tune.TuneConfig(reuse_actors=True, max_concurrent_trials=jobs),
        run_config=tune.RunConfig(
            name="sweep",
            storage_path=str(scratch / "tune"),
            failure_config=tune.FailureConfig(max_failures=MAX_RETRIES),
            checkpoint_config=tune.CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False),
            callbacks=[watch],
            verbose=0,
        ),
    )
    try:
        tuner.fit()
    except _Stop:
        pass
    if watch.problem is not None:
        raise watch.problem


class _Stop(BaseException):
    """Ends Tune's loop at once; an `Exception` would first wait for every actor."""


class TrialActor(tune.Trainable):
    """Trains one trial after the other in one process, so that torch is imported once."""

    def setup(self, config: dict[str, Any], works: Sequence[Work] = ()) -> None:
        """Make this process ready for its first trial."""
        import torch

        torch.set_num_threads(works[0].threads)
        self.works = works
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next trial."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        self.work = self.works[new_config["index"]]
        self.attempt: Attempt | None = None
        return True

    def step(self) -> dict[str, Any]:
        """Train a stretch and report."""
        if self.attempt is None:
            self.attempt = Attempt(self.work)
            if self.work.deadline is not None:
                # Nobody handles SIGALRM here: the kernel ends a process that hangs, whatever it hangs in.
                signal.setitimer(signal.ITIMER_REAL, self.work.deadline)
        try:
            report = self.attempt.advance()
        except StoreError as error:
            return {"problem": (error.errno, error.strerror), "done": True}
        if report.status is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
        return {"report": report, "done": report.status is not None}


class Watch(tune.Callback):
    """Tells the progress and the ledger what Tune learns.

    Every hook is guarded, because Tune takes an error in a callback for one of the trial.
    """

    def __init__(self, works: Sequence[Work], progress: Progress, interrupts: Interrupts) -> None:
        self.works, self.progress, self.interrupts = works, progress, interrupts
        self.problem: GanbenchError | None = None
        self.started: dict[str, float] = {}
        self.over: set[str] = set()

    def __reduce__(self) -> tuple[Any, ...]:
        """Tune pickles its callbacks, for a resumption that we never ask for."""
        return object, ()

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:  # noqa: ANN401
        """Start a trial's clock."""
        self.started[trial.trial_id] = time.monotonic()

    def on_trial_result(
        self,
        iteration: int,
        trials: list[Any],
        trial: Any,  # noqa: ANN401
        result: dict[str, Any],
        **info: Any,  # noqa: ANN401
    ) -> None:
        """Pass on a report."""
        if "problem" in result:
            self.problem = StoreError(self._work(trial).folder, OSError(*result["problem"]))
        elif self._work(trial).key not in self.over:
            self._guard(lambda: self.progress.update(result["report"]))

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:  # noqa: ANN401
        """Its worker died and Tune has queued the trial again; one whose time was over fails at once when it starts."""
        if self._overdue(trial):
            self._fail(trial, Status.TIMEOUT, timeout_text(self._work(trial).timeout))
        else:
            self._guard(lambda: self.progress.retried(self._work(trial).key))

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:  # noqa: ANN401
        """Its worker died once too often."""
        if self._overdue(trial):
            self._fail(trial, Status.TIMEOUT, timeout_text(self._work(trial).timeout))
        else:
            self._fail(trial, Status.FAILED, f"its worker ended {MAX_RETRIES + 1} times: {_cause(trial)}")

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:  # noqa: ANN401
        """End the sweep where it has to."""
        self.interrupts.check()
        self._guard(self.progress.tick)
        if self.problem is not None:
            raise _Stop

    def _work(self, trial: Any) -> Work:  # noqa: ANN401
        return self.works[trial.config["index"]]

    def _seconds(self, trial: Any) -> float:  # noqa: ANN401
        now = time.monotonic()
        return now - self.started.get(trial.trial_id, now)

    def _overdue(self, trial: Any) -> bool:  # noqa: ANN401
        timeout = self._work(trial).timeout
        return timeout is not None and self._seconds(trial) >= timeout

    def _fail(self, trial: Any, status: Status, text: str) -> None:  # noqa: ANN401
        work = self._work(trial)
        if work.key not in self.over:
            self.over.add(work.key)
            self._guard(lambda: store.write_failure(work.folder, work.key, status, text))
            report = Report(work.key, status, seconds=self._seconds(trial), error=text)
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


def _check_nodes(folder: Path, address: str) -> None:
    """Make sure that every node of a cluster writes into the same folder as we do.

    Raises:
        UsageError: a node does not see the file that we just wrote, or lacks ganbench.
    """
    token = secrets.token_hex(16)
    probe = folder / f".shared-{token[:8]}"
    probe.write_text(token)
    look = ray.remote(num_cpus=0, max_retries=0)(_look)
    try:
        for node in ray.nodes():
            if not node["Alive"]:
                continue
            there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            try:
                seen = ray.get(look.options(scheduling_strategy=there).remote(str(probe)), timeout=120)
            except Exception as error:  # noqa: BLE001 - whatever happened there
                raise UsageError(
                    f"--address {address}: node {node['NodeName']} cannot run ganbench; install it there "
                    f"({describe(error)})"
                ) from error
            if seen != token:
                raise UsageError(
                    f"--address {address}: node {node['NodeName']} does not see {folder}; "
                    "choose --results on storage that all nodes share"
                )
    finally:
        probe.unlink(missing_ok=True)


def _look(path: str) -> str | None:
    """Return what a file holds where this runs; the import shows whether ganbench is installed there."""
    import ganbench.training.trainer  # noqa: F401

    try:
        return Path(path).read_text()
    except OSError:
        return None
