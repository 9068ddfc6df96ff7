"""Starts Ray for one run, or attaches to a cluster that can do the work; importing this imports no Ray."""

from __future__ import annotations

import functools
import logging
import os
import secrets
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganbench.core.environment import variables
from ganbench.core.errors import GanbenchError, UsageError
from ganbench.core.lazy import LazyModule
from ganbench.suite.estimate import cores
from ganbench.sweep.job_source import JobSource
from ganbench.sweep.jobs import TrialJob, device_here
from ganbench.sweep.trial_runner import describe

if TYPE_CHECKING:
    import ray
else:
    ray = LazyModule("ray")  # only within `ray_environment()`, which it reads when it is imported

OBJECT_STORE_BYTES = 80_000_000
SETTINGS = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".*",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_prestart_worker_first_driver": "0",  # Tune's actors have an environment of their own: none would be used
    "RAY_gcs_rpc_server_reconnect_timeout_s": "20",  # how long what is left of Ray outlives a process that was killed
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_MAX_PENDING_TRIALS_PG": "1000",  # as many as may run at once: older versions start one worker after the other
    "TUNE_GLOBAL_CHECKPOINT_S": "86400",  # the search log is our snapshot; Tune's would only cost time
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_WARN_THRESHOLD_S": "3600",
}


@contextmanager
def ray_environment(address: str | None = None, threads: int = 1) -> Iterator[None]:
    """Set what Ray reads when it is imported and when it starts: it is silent, and reports nothing home.

    Ray's ports listen on every interface, so the one that we start asks for a token that nobody else has. A cluster
    has its own settings for that. Its workers import what can be imported here, own components included.

    Raises:
        UsageError: there is no bash.
    """
    changes = {**SETTINGS, "OMP_NUM_THREADS": str(threads)}
    if address is None:
        changes |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": _token()}
        changes["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        changes["PATH"] = _search_path()
    with variables(changes):
        yield


def _search_path() -> str:
    """Return PATH with the system's own folders: Ray starts each worker by a `bash` that it looks for there.

    Without one it would try for ever.
    """
    given = os.environ.get("PATH", "").split(os.pathsep)
    path = os.pathsep.join(dict.fromkeys(folder for folder in (*given, *os.defpath.split(os.pathsep)) if folder))
    if os.name == "posix" and shutil.which("bash", path=path) is None:
        raise UsageError("Ray starts its workers by bash, which PATH does not lead to; `--executor local` runs without")
    return path


@functools.cache
def _token() -> str:
    """Return one token for this process: Ray reads it once."""
    return secrets.token_hex(32)


def start(source: JobSource, jobs: int | None, temp_dir: Path) -> int:
    """Start Ray for this process alone and return how many trials fit.

    Raises:
        GanbenchError: it does not start.
    """
    job = source.template
    gpus = _local_gpus(job.device)
    fit = min(jobs or max_concurrent(cores(), gpus, job), source.limit)
    try:
        _init(
            address="local",  # and not what RAY_ADDRESS says
            num_cpus=fit * job.threads,
            num_gpus=gpus,
            include_dashboard=False,
            object_store_memory=OBJECT_STORE_BYTES,
            _node_ip_address="127.0.0.1",
            _temp_dir=str(temp_dir / "ray"),
        )
    except Exception as error:  # noqa: BLE001 - Ray raises what its layers raise
        raise GanbenchError(f"Ray did not start ({describe(error)}); `--executor local` runs without it") from error
    return fit


def attach(address: str, source: JobSource) -> int:
    """Attach to a cluster, check that its nodes can do the work, and return how many trials fit.

    Raises:
        UsageError: no cluster there, or a node does not share the results folder or lacks ganbench.
    """
    try:
        _check_reachable(address)
        _init(address=address)
    except Exception as error:  # noqa: BLE001 - as above
        raise UsageError(
            f"--address {address}: no Ray cluster to attach to ({describe(error)}); start one or leave it out"
        ) from error
    job = source.template
    _check_nodes(job.folder, address)
    if job.device == "cuda" and not _cluster_resources("GPU"):
        raise UsageError(f"--address {address}: the cluster has no GPU; say `resources.device: cpu` or auto")
    return max_concurrent(int(_cluster_resources("CPU")) or 1, int(_cluster_resources("GPU")), job)


def max_concurrent(cores: int, gpus: int, job: TrialJob) -> int:
    """Return how many trials fit side by side."""
    fit = max(1, cores // job.threads)
    return fit if job.device == "cpu" or not gpus else max(1, min(fit, int(gpus / job.gpus + 1e-9)))


def gpu_fraction(job: TrialJob) -> float:
    """Return the fraction of a GPU that Ray reserves for a trial; 0 where Ray has none."""
    return job.gpus if job.device != "cpu" and _cluster_resources("GPU") else 0.0


def _cluster_resources(kind: str) -> float:
    """Return how much of a resource the cluster has, `"CPU"` or `"GPU"`."""
    return float(ray.cluster_resources().get(kind, 0))


def _local_gpus(device: str) -> int:
    """Return how many GPUs torch can use here, having checked that there is one where one is asked for."""
    if device_here(device) == "cpu":
        return 0
    import torch

    return torch.cuda.device_count()


def _check_reachable(address: str) -> None:
    """Raise an OSError where nobody listens.

    Ray itself would try for minutes, and print messages that none of its settings suppresses.
    """
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon:
        socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()


def _init(**options: Any) -> None:  # noqa: ANN401 - Ray's own
    for name in ("ray", "ray.tune", "ray.data", "ray._private"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    ray.init(log_to_driver=False, configure_logging=False, logging_level=logging.CRITICAL, **options)


def _check_nodes(folder: Path, address: str) -> None:
    """Make sure that every node of a cluster writes into the same folder as we do.

    Raises:
        UsageError: a node does not see the file that we just wrote, or lacks ganbench.
    """
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    token = secrets.token_hex(16)
    probe = folder / f".shared-{token[:8]}"
    probe.write_text(token)
    read = ray.remote(num_cpus=0, max_retries=0)(_read)
    try:
        for node in ray.nodes():
            if not node["Alive"]:
                continue
            on_node = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            try:
                text = ray.get(read.options(scheduling_strategy=on_node).remote(str(probe)), timeout=120)
            except Exception as error:  # noqa: BLE001 - whatever happened there
                raise UsageError(
                    f"--address {address}: node {node['NodeName']} cannot run ganbench; install it there "
                    f"({describe(error)})"
                ) from error
            if text != token:
                raise UsageError(
                    f"--address {address}: node {node['NodeName']} does not see {folder}; "
                    "choose --results on storage that all nodes share"
                )
    finally:
        probe.unlink(missing_ok=True)


def _read(path: str) -> str | None:
    """Return what a file holds where this runs; the import shows whether ganbench is installed there."""
    import ganbench.training.trainer  # noqa: F401

    try:
        return Path(path).read_text()
    except OSError:
        return None
