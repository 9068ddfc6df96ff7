"""Trains the trials side by side in Ray Tune: with the files `ray_*` beside it the only import of ray.

Ray only hands out work here. What is done is decided by the ledger: the actors write finished parts themselves, and
Tune's own state is thrown away with the temporary folder it lives in.
"""

from __future__ import annotations

from pathlib import Path

import ray
from ray import tune

from ganbench.sweep.executors import ray_follow
from ganbench.sweep.executors.ray_follow import Stop, Watch
from ganbench.sweep.executors.ray_search import Asha, searcher
from ganbench.sweep.executors.ray_session import attach, gpu_fraction, ray_temp_dir, start
from ganbench.sweep.executors.ray_worker import Source, TrialActor, template
from ganbench.sweep.progress import Progress
from ganbench.sweep.search_log import Adaptive
from ganbench.sweep.signals import Interrupts
from ganbench.sweep.trial_runner import TrialJob, finished_score


def train(
    source: Source,
    progress: Progress,
    interrupts: Interrupts,
    *,
    jobs: int | None = None,
    address: str | None = None,
) -> None:
    """Train every trial; each leaves a part or a failure in the ledger.

    Import this module and call this inside `ray_environment()`.

    Args:
        source: the trials, or a search that makes them as it goes.
        progress: told of everything.
        interrupts: signals, whose handlers Ray replaces.
        jobs: trials at a time, by default as many as there are cores for.
        address: of a Ray cluster to attach to; its nodes must see the results folder. None starts Ray here.

    Raises:
        UsageError: the cluster cannot be reached or does not see the results folder.
        StoreError: the results folder cannot be written.
    """
    with ray_temp_dir() as folder:
        try:
            fit = attach(address, source) if address else start(source, jobs, folder)
            interrupts.install()
            _sweep(source, progress, interrupts, jobs or fit, folder)
        finally:
            ray.shutdown()


def _sweep(source: Source, progress: Progress, interrupts: Interrupts, jobs: int, folder: Path) -> None:
    watch = Watch(source, progress, interrupts)
    work = template(source)
    suggested, number = searcher(source, finished_score) if isinstance(source, Adaptive) else (None, 1)
    tuner = tune.Tuner(
        tune.with_resources(
            tune.with_parameters(TrialActor, source=source), {"cpu": work.threads, "gpu": gpu_fraction(work)}
        ),
        param_space={} if isinstance(source, Adaptive) else {"index": tune.grid_search(list(range(len(source))))},
        tune_config=tune.TuneConfig(
            reuse_actors=True,
            max_concurrent_trials=jobs,
            search_alg=suggested,
            num_samples=number,
            scheduler=_scheduler(work, watch),
        ),
        run_config=tune.RunConfig(
            name="sweep",
            storage_path=str(folder / "tune"),
            failure_config=tune.FailureConfig(max_failures=ray_follow.MAX_RETRIES),
            checkpoint_config=tune.CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False),
            callbacks=[watch],
            verbose=0,
        ),
    )
    try:
        tuner.fit()
    except Stop:
        pass
    if watch.problem is not None:
        raise watch.problem


def _scheduler(work: TrialJob, watch: Watch) -> Asha | None:
    """Return the scheduler of the search that a trial belongs to, if it has one."""
    search = work.search
    if search is None or search.scheduler == "none" or work.objective is None:
        return None
    return Asha(search, work.objective[1], work.trial.steps, watch.request_stop)
