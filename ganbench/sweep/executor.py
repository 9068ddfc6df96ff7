"""Trains the trials side by side in Ray Tune: with the files `ray_*` beside it the only import of ray.

Ray only hands out work here. What is done is decided by the ledger: the actors write finished parts themselves, and
Tune's own state is thrown away with the temporary folder it lives in.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import ray
from ray import tune

from ganbench.sweep import ray_follow
from ganbench.sweep.attempt import Work
from ganbench.sweep.progress import Progress
from ganbench.sweep.ray_cluster import attach, scratch, share, start
from ganbench.sweep.ray_follow import Stop, Watch
from ganbench.sweep.ray_worker import TrialActor
from ganbench.sweep.signals import Interrupts


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
    with scratch() as folder:
        try:
            fit = attach(address, works) if address else start(works, jobs, folder)
            interrupts.install()
            _sweep(works, progress, interrupts, min(jobs or fit, len(works)), folder)
        finally:
            ray.shutdown()


def _sweep(works: Sequence[Work], progress: Progress, interrupts: Interrupts, jobs: int, folder: Path) -> None:
    watch = Watch(works, progress, interrupts)
    needs = {"cpu": works[0].threads, "gpu": share(works[0])}
    tuner = tune.Tuner(
        tune.with_resources(tune.with_parameters(TrialActor, works=list(works)), needs),
        param_space={"index": tune.grid_search(list(range(len(works))))},
        tune_config=tune.TuneConfig(reuse_actors=True, max_concurrent_trials=jobs),
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
