"""Runs a plan: takes from the results folder what is done, trains the rest, and merges the tables."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path

import yaml

from ganbench.core.component import Component
from ganbench.core.environment import now
from ganbench.core.errors import INCOMPLETE, INTERRUPTIONS, OK, Interrupted
from ganbench.core.file_set import NewFiles, new_files
from ganbench.core.files import storing
from ganbench.core.naming import short_names, trial_id
from ganbench.sinks import Sink
from ganbench.suite.estimate import later_seconds, plan_seconds, require_feasible, trial_seconds
from ganbench.suite.plan import Plan
from ganbench.sweep.already_done import announce, missing_of
from ganbench.sweep.events import Listener
from ganbench.sweep.executors import EXECUTORS, ExecutorName
from ganbench.sweep.executors.ray_processes import RayDied
from ganbench.sweep.inputs import prepare_inputs, require_same_extractors
from ganbench.sweep.job_source import JobSource
from ganbench.sweep.jobs import TrialJob
from ganbench.sweep.manifest import manifest, previous
from ganbench.sweep.plan_jobs import jobs_of, require_executor
from ganbench.sweep.progress import Progress
from ganbench.sweep.progress_file import ProgressFile
from ganbench.sweep.results_dir import locked, prepare, require_space
from ganbench.sweep.signals import Interrupts
from ganbench.sweep.sink_export import SinkExport
from ganbench.tables.manifest import Times, next_place


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

    def require_uninterrupted(self) -> None:
        """Check that the run came to its end.

        Raises:
            Interrupted: a signal ended it; finished trials are kept.
        """
        if self.exit_code in INTERRUPTIONS:
            raise Interrupted(self.exit_code, f"{self.done} of {self.trials} trials are done and kept")


def run_plan(
    plan: Plan,
    results_root: Path,
    *,
    executor: ExecutorName = "ray",
    address: str | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
    quiet: bool = False,
    components: Sequence[type[Component]] = (),
    sinks: Sequence[Sink] = (),
    listeners: Sequence[Listener] = (),
) -> RunOutcome:
    """Train what is missing of a plan and merge all of it into `results_root/<suite>/<run>`.

    A signal ends the training, not the run: what is finished is merged, and the outcome's code says 130 or 143.

    Args:
        plan: what to run.
        results_root: nothing is written outside it.
        executor: one of `EXECUTORS`, such as `"local"` for this process.
        address: of a Ray cluster to attach to.
        jobs: trials at a time under Ray.
        progress: shows what happens; by default on stderr.
        quiet: show nothing instead.
        components: registered ones that no installed package brings; workers have to be able to import them.
        sinks: where the rows of each trial that finishes go besides.
        listeners: are told where each trial stands; what one raises ends the run, and finished trials are kept.

    Raises:
        UsageError: the folder cannot be written, another run is at it, or the cluster cannot be used.
        StoreError: the disk filled up under way; finished trials are kept.
        RayDied: Ray's own processes ended under way; what is done was merged.
    """
    require_executor(plan, executor)
    require_feasible(plan)
    folder = prepare(Path(results_root), plan)
    with locked(folder), Interrupts() as interrupts:
        source = jobs_of(plan, folder, tuple(components), executor)
        run = _Run(plan, folder, source, progress, quiet, executor, jobs, address, interrupts)
        try:
            run.begin(sinks, listeners)
            run.train()
            run.close()
            return run.finish(OK)
        except BaseException as error:  # a signal that lands inside Ray's compiled code comes out as anything
            return run.end_early(error)
        finally:
            run.close()


@dataclass
class _Run:
    """One call of `run_plan`; `finish` may be called whatever came before it.

    Attributes:
        done: the keys of trials that were done before; None until they were looked for.
    """

    plan: Plan
    folder: Path
    source: JobSource
    progress: Progress | None
    quiet: bool
    executor: ExecutorName
    jobs: int | None
    address: str | None
    interrupts: Interrupts
    done: set[str] | None = None
    progress_file: ProgressFile | None = None
    started: str = field(default_factory=now)
    clock: float = field(default_factory=time.monotonic)

    def begin(self, sinks: Sequence[Sink], listeners: Sequence[Listener] = ()) -> None:
        """Find out what is missing, and let everybody who follows the run know."""
        self.interrupts.rescue = self.rescue
        with self.interrupts.held():  # a module that is half imported would be of no use to who merges
            import_module("ganbench.tables.merge")
        self.interrupts.check()
        from ganbench.tables import part_store

        part_store.sweep_left(self.folder)
        self.done = done = self.source.resume()
        jobs = self.source.known()
        missing = [job for job in jobs if job.key not in done]
        require_same_extractors(job for job in jobs if job.key in done)
        if self.progress is None:
            self.progress = self._shown(jobs, missing)
        self.progress_file = ProgressFile(self.folder, self.plan.run_id, jobs, missing)
        self.progress.listeners += [self.progress_file, *listeners]
        if sinks:
            export = SinkExport(self.folder, jobs, sinks)
            self.progress.listeners.append(export)
            if jobs and not missing:  # a run that is finished is exported as it stands
                for job in jobs:
                    export.write(job.key)
                self.progress.say(f"exported {len(jobs)} finished trials")
        announce(jobs, missing, self.progress)

    def _shown(self, jobs: Sequence[TrialJob], missing: Sequence[TrialJob]) -> Progress:
        """Return what shows the user how these jobs go."""
        names = short_names({job.key: job.trial.labels for job in jobs})
        untrained = {job.key: names[job.key] for job in missing}
        seconds = plan_seconds(self.plan, 1 if EXECUTORS[self.executor].in_process else self.jobs)
        share = len(missing) / max(1, len(jobs))
        work = {job.key: trial_seconds(job.trial) for job in missing}
        later = later_seconds(self.plan)
        return Progress(untrained, None, self._new, self.quiet, share * seconds, work, later)

    def train(self) -> None:
        """Train all that is missing."""
        if self._new <= 0 or self.progress is None:
            return
        require_space(self.folder, self._new)
        prepare_inputs([job.trial for job in self.source.known()] or list(self.plan.cells))
        train = EXECUTORS[self.executor].train
        train(self.source, self.progress, self.interrupts, jobs=self.jobs, address=self.address)
        self.interrupts.check()

    def close(self) -> None:
        """Leave the terminal and the progress file as those of a run that has ended; once is enough."""
        if self.progress is not None:
            self.progress.close()
        if self.progress_file is not None:
            self.progress_file.write(running=False)
            self.progress_file = None

    def end_early(self, error: BaseException) -> RunOutcome:
        """Merge what is done where a signal or the end of Ray came; raise any other error again."""
        code, died = self.interrupts.code_of(error), self.interrupts.error
        if code is None and died is None:
            raise error
        with self.interrupts.held():
            if code is None and died is not None:
                raise RayDied(self.rescue(died)) from error
            self.close()
            return self.finish(code or INCOMPLETE)

    def rescue(self, died: Exception) -> str:
        """Merge what is done where Ray has ended, and return the line that says so."""
        self.close()
        outcome = self.finish(INCOMPLETE)
        done = f"{outcome.done} of {outcome.trials} trials are done and kept"
        return f"{died}; {done} in {outcome.folder}; run it again to go on (`--executor local` does without Ray)"

    def finish(self, code: int) -> RunOutcome:
        """Merge what there is and describe it."""
        from ganbench.tables import part_store
        from ganbench.tables.merge import merge

        jobs = self.source.known()  # a search has more of them now
        plan = replace(self.plan, trials=tuple(job.trial for job in jobs))
        left = {job.key for job in missing_of(jobs)}
        before = {job.key for job in jobs} - left if self.done is None else self.done
        trained = len(jobs) - len(left) - len(before)
        if code != OK and self.progress is not None:
            total = max(len(jobs), self.source.limit)
            self.progress.say(f"interrupted: {len(jobs) - len(left)} of {total} trials are done and kept")
        retries = dict(self.progress.retries) if self.progress is not None else {}
        failures = part_store.read_failures(self.folder, left)
        out = self.folder / plan.run_id
        with storing(out), new_files(out) as files:
            merge(self.folder, {trial.key: trial for trial in plan.trials}, failures, files)
            left = {job.key for job in missing_of(jobs)}  # a part may have turned out to be broken
            self._describe(files, plan, failures, retries, trained)
        done = len(jobs) - len(left)
        return RunOutcome(out, code or (INCOMPLETE if left else OK), len(jobs), done, trained, len(failures), retries)

    def _describe(
        self, files: NewFiles, plan: Plan, failures: dict[str, dict[str, str]], retries: dict[str, int], trained: int
    ) -> None:
        """Write the suite, and the manifest, which puts all of the run's files in their places."""
        before = previous(files.folder)
        total = Counter(before.retries if before else {})
        total.update({trial_id(key): n for key, n in retries.items()})
        seconds = round(time.monotonic() - self.clock, 3)
        times = Times(started=self.started, finished=now(), seconds=seconds, place=next_place(files.folder))
        # Where nothing was trained the numbers are still from where they were made.
        where = before.environment if before and not trained else None
        suite = yaml.safe_dump(plan.suite.resolved(), sort_keys=False, allow_unicode=True)
        files.write("suite.yaml", suite.encode())
        manifest(plan, failures, total, times, where).commit(files)

    @property
    def _new(self) -> int:
        """Return how many trials are still to be trained, at most."""
        return self.source.limit - len(self.done or ())
