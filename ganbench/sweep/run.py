"""Runs a plan: takes from the ledger what is done, trains the rest, and merges the tables."""

from __future__ import annotations

import datetime
import fcntl
import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

import yaml

from ganbench.core import registry
from ganbench.core.component import Component
from ganbench.core.errors import UsageError
from ganbench.core.trial import Trial
from ganbench.datasets import Dataset
from ganbench.features import Feature
from ganbench.sweep import manifest as manifests
from ganbench.sweep.attempt import Work, device_here
from ganbench.sweep.live import Live
from ganbench.sweep.plan import Plan
from ganbench.sweep.progress import Progress
from ganbench.sweep.ray_settings import ray_environment
from ganbench.sweep.signals import Interrupted, Interrupts
from ganbench.tables.files import replaced, storing

BYTES_A_TRIAL = 1 << 20
BYTES_AT_LEAST = 32 << 20
INCOMPLETE = 4

Executor = Literal["ray", "local"]


@dataclass(frozen=True)
class RunOutcome:
    """What a run left.

    Attributes:
        folder: `results/<suite>/<run>` with the merged tables.
        exit_code: 0; 4 with failed trials; 130 or 143 where a signal ended it.
        done: trials with results, of `trials`. trained: how many of them in this call. failed: without results.
        retries: key → how often its worker died in this call.
    """

    folder: Path
    exit_code: int
    trials: int
    done: int
    trained: int
    failed: int
    retries: dict[str, int] = field(default_factory=dict)


def run_plan(
    plan: Plan,
    results_root: Path,
    *,
    executor: Executor = "ray",
    address: str | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
    own: Sequence[type[Component]] = (),
) -> RunOutcome:
    """Train what is missing of a plan and merge all of it into `results_root/<suite>/<run>`.

    A signal ends the training, not the run: what is finished is merged, and the outcome's code says 130 or 143.

    Args:
        plan: what to run.
        results_root: nothing is written outside it.
        executor: `"ray"`, or `"local"` for this process.
        address: of a Ray cluster to attach to.
        jobs: trials at a time under Ray.
        progress: shows what happens; by default on stderr.
        own: registered components that no installed package brings; workers have to be able to import them.

    Raises:
        UsageError: the folder cannot be written, another run is at it, or the cluster cannot be used.
        StoreError: the disk filled up under way; finished trials are kept.
    """
    folder = _prepare(Path(results_root), plan)
    with _locked(folder), Interrupts() as interrupts:
        return _run(plan, folder, executor, address, jobs, progress, interrupts, tuple(own))


def _run(
    plan: Plan,
    folder: Path,
    executor: Executor,
    address: str | None,
    jobs: int | None,
    progress: Progress | None,
    interrupts: Interrupts,
    own: tuple[type[Component], ...],
) -> RunOutcome:
    began, clock = _now(), time.monotonic()
    resources = plan.suite.resources
    common = (folder, resources.timeout, resources.cpus, own, resources.device, resources.gpus)
    works = [Work(trial, trial.key, *common) for trial in plan.trials]
    missing = _missing(works)
    progress = progress or Progress({work.key: work.trial.name for work in missing})
    live = Live(folder, plan.run_id, works, missing)
    progress.listeners.append(live.take)
    code = 0
    try:
        _announce(works, missing, progress)
        if missing:
            _require_space(folder, len(missing))
            _prepare_data([work.trial for work in missing])
            _prepare_features([work.trial for work in missing])
            _train(missing, progress, interrupts, executor, address, jobs)
    except Interrupted as signal:
        code = signal.code
        left = len(_missing(missing))
        progress.say(f"interrupted: {len(works) - left} of {len(works)} trials are done and kept")
    finally:
        progress.close()
        live.write(running=False)
    times = {"started": began, "finished": _now(), "seconds": round(time.monotonic() - clock, 3)}
    return _finish(plan, works, missing, folder, progress, times, code)


def _train(
    works: Sequence[Work],
    progress: Progress,
    interrupts: Interrupts,
    executor: Executor,
    address: str | None,
    jobs: int | None,
) -> None:
    if executor == "local":
        from ganbench.sweep import local

        device_here(works[0].device)
        local.train(works, progress)
        return
    with ray_environment(address, works[0].threads):
        from ganbench.sweep import executor as ray_executor

        ray_executor.train(works, progress, interrupts, jobs=jobs, address=address)


def _finish(
    plan: Plan,
    works: Sequence[Work],
    missing: Sequence[Work],
    folder: Path,
    progress: Progress,
    times: dict[str, Any],
    code: int,
) -> RunOutcome:
    """Merge what there is and describe it."""
    from ganbench.tables import store

    out = folder / plan.run_id
    left = {work.key for work in _missing(missing)}
    failures = store.read_failures(folder, left)
    with storing(out):
        out.mkdir(exist_ok=True)
        before = _previous(out)
        retries = Counter(before.get("retries", {}))
        retries.update({key[:12]: n for key, n in progress.retries.items()})
        described = manifests.manifest(plan, failures, retries, times)
        if before and len(left) == len(missing):  # nothing was trained: the numbers are still from where they were made
            described["environment"] = before["environment"]
        _write(out / "suite.yaml", yaml.safe_dump(plan.suite.resolved(), sort_keys=False, allow_unicode=True))
        _write(out / "manifest.json", json.dumps(described, indent=2, ensure_ascii=False) + "\n")
    store.merge(folder, plan.trials, failures, out)
    return RunOutcome(
        out,
        code or (INCOMPLETE if left else 0),
        len(works),
        len(works) - len(left),
        len(missing) - len(left),
        len(failures),
        dict(progress.retries),
    )


def _missing(works: Sequence[Work]) -> list[Work]:
    """Return the trials without a part; a part that cannot be read counts as none (the store says so)."""
    from ganbench.tables import store

    return [work for work in works if not store.has_part(work.folder, work.key)]


def _announce(works: Sequence[Work], missing: Sequence[Work], progress: Progress) -> None:
    """Say what is done again and why, and forget old failures."""
    from ganbench.tables import store

    failed = [work for work in missing if store.read_failure(work.folder, work.key)]
    begun = sum(work.checkpoint.exists() for work in missing)
    for work in failed:
        store.clear_failure(work.folder, work.key)
    if len(missing) == len(works) and not failed and not begun:
        return
    notes = [f"{len(works) - len(missing)} of {len(works)} trials are already done"]
    notes += [f"{len(failed)} failed before and are tried again"] if failed else []
    notes += [f"{begun} go on from their checkpoints"] if begun else []
    progress.say("; ".join(notes))


def _prepare_data(trials: Sequence[Trial]) -> None:
    """Look once whether the files of every data set are there."""
    for dataset in {trial.dataset.label: trial.dataset.build() for trial in trials}.values():
        cast(Dataset, dataset).prepare()


def _prepare_features(trials: Sequence[Trial]) -> None:
    """Let the extractors get ready once, before trials need them side by side."""
    names = {cast(type[Dataset], registry.find("dataset", trial.dataset.name)).features for trial in trials}
    for name in sorted(names):
        cast(Feature, registry.build("feature", name, {})).prepare()


def _prepare(root: Path, plan: Plan) -> Path:
    """Return `root/<suite>`, absolute, made and writable.

    Raises:
        UsageError: it is not, or it would lie outside the root.
    """
    root = root.absolute()
    folder = root / plan.name
    if folder.resolve().parent != root.resolve() or not plan.run_id.isalnum():
        raise UsageError(f"{folder}: lies outside {root}; rename the suite or remove the link")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".writable-{os.getpid()}"
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"{folder}: {reason}; choose a --results folder that can be written") from error
    return folder


def _require_space(folder: Path, trials: int) -> None:
    """Raise where the disk is too full to begin.

    Raises:
        UsageError: less is free than small trials need.
    """
    need, free = BYTES_AT_LEAST + trials * BYTES_A_TRIAL, shutil.disk_usage(folder).free
    if free < need:
        raise UsageError(
            f"{folder}: {free >> 20} MB free, about {need >> 20} MB needed; make room or choose another --results"
        )


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep two runs of one suite apart; the kernel drops the lock of a process that died.

    Raises:
        UsageError: another run is at it.
    """
    with open(folder / ".lock", "a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            who = file.read().strip()[:100] or "another process"
            raise UsageError(f"{folder}: {who} is running this suite; wait for it or use another --results") from None
        file.truncate(0)
        file.write(f"process {os.getpid()} on {os.uname().nodename}")
        file.flush()
        yield


def _previous(out: Path) -> dict[str, Any]:
    """Return the manifest that an earlier call left, if it can be read."""
    try:
        found = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and found.get("format") == manifests.FORMAT else {}


def _write(path: Path, text: str) -> None:
    with replaced(path) as file:
        file.write(text.encode())


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
