"""Runs a plan: takes from the ledger what is done, trains the rest, and merges the tables."""

from __future__ import annotations

import datetime
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, cast

import yaml

from ganbench.core import registry
from ganbench.core.component import Component
from ganbench.core.errors import UsageError
from ganbench.core.files import replaced, storing
from ganbench.core.trial import Trial
from ganbench.datasets import Dataset
from ganbench.extractors import Extractor
from ganbench.sinks import Sink
from ganbench.suite.plan import Plan
from ganbench.suite.space import Sampler, direction
from ganbench.sweep.executors.ray_settings import ray_environment
from ganbench.sweep.extractors import same_extractors
from ganbench.sweep.manifest import manifest
from ganbench.sweep.progress import Progress, short_names
from ganbench.sweep.progress_file import ProgressFile
from ganbench.sweep.results_dir import locked, prepare, require_space
from ganbench.sweep.search_log import Adaptive
from ganbench.sweep.signals import Interrupted, Interrupts
from ganbench.sweep.sink_export import SinkExport
from ganbench.sweep.trial_runner import TrialJob, device_here
from ganbench.tables.manifest import FILE, FORMAT, RunManifest, Times

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
    sinks: Sequence[Sink] = (),
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
        sinks: where the rows of each trial that finishes go besides.

    Raises:
        UsageError: the folder cannot be written, another run is at it, or the cluster cannot be used.
        StoreError: the disk filled up under way; finished trials are kept.
    """
    folder = prepare(Path(results_root), plan)
    task = _Task(plan, folder, executor, address, jobs, tuple(own), tuple(sinks))
    search = plan.suite.search
    if executor == "local" and search is not None and search.needs_ray:
        place = plan.suite.place(("search",))
        raise UsageError(f"{place}: asha and optuna are Ray's; leave `--executor local` out, or search at random")
    with locked(folder), Interrupts() as interrupts:
        return _run(task, progress, interrupts)


@dataclass(frozen=True)
class _Task:
    """What `run_plan` was given."""

    plan: Plan
    folder: Path
    executor: Executor
    address: str | None
    jobs: int | None
    own: tuple[type[Component], ...]
    sinks: tuple[Sink, ...]

    def source(self) -> list[TrialJob] | Adaptive:
        """Return the plan's trials as work, or the search that makes them as it goes."""
        plan, resources, search = self.plan, self.plan.suite.resources, self.plan.suite.search
        common = (self.folder, resources.timeout, resources.cpus, self.own, resources.device, resources.gpus)
        if search is None:
            return [TrialJob(trial, trial.key, *common) for trial in plan.trials]
        first = (plan.trials or plan.cells)[0]
        mode = direction(search, first.metrics)
        template = TrialJob(first, first.key, *common, objective=(search.metric, mode), search=search)
        if not search.adaptive:
            return [template.of(trial) for trial in plan.trials]
        path = self.folder / f"search-{plan.run_id}.jsonl"
        return Adaptive(Sampler(search, plan.cells), template, path, mode)


def _run(task: _Task, progress: Progress | None, interrupts: Interrupts) -> RunOutcome:
    from ganbench.tables import part_store as store

    began, clock = _now(), time.monotonic()
    store.sweep_left(task.folder)
    source = task.source()
    works, new = (source.works(), source.search.trials) if isinstance(source, Adaptive) else (source, len(source))
    missing = _missing(works)
    done = {work.key for work in works} - {work.key for work in missing}
    same_extractors(work for work in works if work.key in done)
    new -= len(done)
    names = short_names(work.trial for work in works)
    progress = progress or Progress({work.key: names[work.key] for work in missing}, trials=new)
    live = ProgressFile(task.folder, task.plan.run_id, works, missing)
    progress.listeners.append(live.take)
    progress.newcomers.append(live.add)
    if task.sinks:
        export = SinkExport(task.folder, missing, task.sinks)
        progress.listeners.append(export.take)
        progress.newcomers.append(export.add)
    code = 0
    try:
        _announce(works, missing, progress)
        if new > 0:
            require_space(task.folder, new)
            wanted = [work.trial for work in missing] or list(task.plan.cells)
            _prepare_data(wanted)
            _prepare_features(wanted)
            _train(task, source if isinstance(source, Adaptive) else missing, progress, interrupts)
    except Interrupted as signal:
        code = signal.code
    finally:
        progress.close()
        live.write(running=False)
    plan = task.plan
    if isinstance(source, Adaptive):
        works = source.works()
        plan = replace(plan, trials=tuple(work.trial for work in works))
        missing = [work for work in works if work.key not in done]
    if code:
        left = len(_missing(missing))
        progress.say(f"interrupted: {len(works) - left} of {len(done) + new} trials are done and kept")
    times = Times(started=began, finished=_now(), seconds=round(time.monotonic() - clock, 3))
    return _finish(plan, works, missing, task.folder, progress, times, code)


def _train(task: _Task, source: list[TrialJob] | Adaptive, progress: Progress, interrupts: Interrupts) -> None:
    work = source.template if isinstance(source, Adaptive) else source[0]
    if task.executor == "local" and not isinstance(source, Adaptive):
        from ganbench.sweep.executors import local

        device_here(work.device)
        local.train(source, progress)
        return
    with ray_environment(task.address, work.threads):
        from ganbench.sweep.executors import ray_tune as ray_executor

        ray_executor.train(source, progress, interrupts, jobs=task.jobs, address=task.address)


def _finish(
    plan: Plan,
    works: Sequence[TrialJob],
    missing: Sequence[TrialJob],
    folder: Path,
    progress: Progress,
    times: Times,
    code: int,
) -> RunOutcome:
    """Merge what there is and describe it."""
    from ganbench.tables import part_store as store
    from ganbench.tables.merge import merge

    out = folder / plan.run_id
    left = {work.key for work in _missing(missing)}
    failures = store.read_failures(folder, left)
    with storing(out):
        out.mkdir(exist_ok=True)
        before = _previous(out)
        retries = Counter(before.retries if before else {})
        retries.update({key[:12]: n for key, n in progress.retries.items()})
        # Where nothing was trained the numbers are still from where they were made.
        where = before.environment if before and len(left) == len(missing) else None
        described = manifest(plan, failures, retries, times, where)
        _write(out / "suite.yaml", yaml.safe_dump(plan.suite.resolved(), sort_keys=False, allow_unicode=True))
        _write(out / FILE, described.text())
    merge(folder, plan.trials, failures, out)
    return RunOutcome(
        out,
        code or (INCOMPLETE if left else 0),
        len(works),
        len(works) - len(left),
        len(missing) - len(left),
        len(failures),
        dict(progress.retries),
    )


def _missing(works: Sequence[TrialJob]) -> list[TrialJob]:
    """Return the trials without a part; a part that cannot be read counts as none (the store says so)."""
    from ganbench.tables import part_store as store

    return [work for work in works if not store.has_part(work.folder, work.key)]


def _announce(works: Sequence[TrialJob], missing: Sequence[TrialJob], progress: Progress) -> None:
    """Say what is done again and why, and forget old failures."""
    from ganbench.tables import part_store as store

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
    names = {cast(Dataset, trial.dataset.build()).extractor_name for trial in trials}
    for name in sorted(names):
        cast(Extractor, registry.build("extractor", name, {})).prepare()


def _previous(out: Path) -> RunManifest | None:
    """Return the manifest that an earlier call left, if it can be read."""
    try:
        left = RunManifest.read(out / FILE)
    except (OSError, ValueError):
        return None
    return left if left.format == FORMAT else None


def _write(path: Path, text: str) -> None:
    with replaced(path) as file:
        file.write(text.encode())


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
