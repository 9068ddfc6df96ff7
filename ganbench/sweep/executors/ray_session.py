"""Starts Ray for one run, or attaches to a cluster that can do the work."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from ganbench.core.errors import GanbenchError, UsageError
from ganbench.suite.estimate import cores
from ganbench.sweep.executors.ray_worker import Source, template
from ganbench.sweep.trial_runner import TrialJob, describe, device_here

OBJECT_STORE_BYTES = 80_000_000
LOCK = "lock"


@contextmanager
def ray_temp_dir() -> Iterator[Path]:
    """Make a temporary folder for Ray, and remove those that killed processes left.

    Each holds a file that its process has locked; the kernel drops the lock of a process that died.
    """
    root = Path(tempfile.gettempdir())
    for left in root.glob("ganbench-*"):
        with contextlib.suppress(OSError):
            if left.lstat().st_uid == os.getuid() and not left.is_symlink() and _abandoned(left / LOCK):
                shutil.rmtree(left, ignore_errors=True)
    made = Path(tempfile.mkdtemp(prefix=".ganbench-"))  # nobody looks at that name
    folder = made.with_name(made.name[1:])
    try:
        with open(made / LOCK, "xb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            made.rename(folder)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _abandoned(lock: Path) -> bool:
    """Say whether nobody holds a lock file that is there."""
    with open(lock, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def start(source: Source, jobs: int | None, ray_temp_dir: Path) -> int:
    """Start Ray for this process alone and return how many trials fit.

    Raises:
        GanbenchError: it does not start.
    """
    threads = template(source).threads
    gpus = 0 if template(source).device == "cpu" else _local_gpus(template(source).device)
    fit = min(
        jobs or max_concurrent(cores(), gpus, template(source)),
        len(source) if isinstance(source, Sequence) else source.search.trials,
    )
    try:
        _init(
            address="local",  # and not what RAY_ADDRESS says
            num_cpus=fit * threads,
            num_gpus=gpus,
            include_dashboard=False,
            object_store_memory=OBJECT_STORE_BYTES,
            _node_ip_address="127.0.0.1",
            # Ray's sockets lie there, and the path of a socket has at most 107 bytes.
            _temp_dir=str(ray_temp_dir / "ray") if len(str(ray_temp_dir)) < 32 else None,
        )
    except Exception as error:  # noqa: BLE001 - Ray raises what its layers raise
        raise GanbenchError(f"Ray did not start ({describe(error)}); `--executor local` runs without it") from error
    return fit


def attach(address: str, source: Source) -> int:
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
    _check_nodes(template(source).folder, address)
    there = ray.cluster_resources()
    if template(source).device == "cuda" and not there.get("GPU"):
        raise UsageError(f"--address {address}: the cluster has no GPU; say `resources.device: cpu` or auto")
    return max_concurrent(int(there.get("CPU", 1)), int(there.get("GPU", 0)), template(source))


def max_concurrent(cores: int, gpus: int, work: TrialJob) -> int:
    """Return how many trials fit side by side."""
    fit = max(1, cores // work.threads)
    return fit if work.device == "cpu" or not gpus else max(1, min(fit, int(gpus / work.gpus + 1e-9)))


def gpu_fraction(work: TrialJob) -> float:
    """Return the share of a GPU that Ray reserves for a trial; 0 where there is none to be had."""
    return work.gpus if work.device != "cpu" and ray.cluster_resources().get("GPU") else 0.0


def _local_gpus(wanted: str) -> int:
    """Return how many GPUs torch can use here, having checked that there is one where one is asked for."""
    if device_here(wanted) == "cpu":
        return 0
    import torch

    return torch.cuda.device_count()


def _check_reachable(address: str) -> None:
    """Raise an OSError where nobody listens: Ray itself would try for minutes, and say so past all its settings."""
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
