"""What an executor is given: the jobs of a run, listed (`JobList`) or made as a search goes on (`AdaptiveSearch`)."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from typing import Protocol

from ganbench.core.naming import short_names
from ganbench.suite.estimate import trial_seconds
from ganbench.suite.methods import Method
from ganbench.suite.space import Config
from ganbench.sweep.confirm import best_settings
from ganbench.sweep.jobs import TrialJob
from ganbench.sweep.search_log import AdaptiveSearch


class JobSource(Protocol):
    """The jobs of a run. A configuration is what Ray Tune hands to its workers in place of a job.

    Attributes:
        template: a job with the terms that all jobs share. limit: how many jobs there will be at most.
        adaptive: the search that suggests configurations; None where `next` has them.
        exhausted: whether `next` has nothing more to give, now or later.
    """

    @property
    def template(self) -> TrialJob: ...  # noqa: D102 - see the class

    @property
    def limit(self) -> int: ...  # noqa: D102

    @property
    def adaptive(self) -> AdaptiveSearch | None: ...  # noqa: D102

    @property
    def exhausted(self) -> bool: ...  # noqa: D102

    def known(self) -> list[TrialJob]:
        """Return the jobs that are known so far."""
        ...

    def name(self, job: TrialJob) -> str:
        """Return what a job that was not known at the start is called among the others."""
        ...

    def job(self, config: Mapping[str, object]) -> TrialJob:
        """Return the job of a configuration."""
        ...

    def resume(self) -> set[str]:
        """Find out which jobs have results, which will not be trained again, and return their keys."""
        ...

    def next(self) -> Config | None:
        """Return the configuration of the job whose turn it is; None where none can begin before another has ended."""
        ...

    def begin(self, config: Mapping[str, object]) -> None:
        """Record that a configuration is being tried."""
        ...

    def end(self, key: str) -> int:
        """Record that a job has ended, with results or without; return how many jobs fewer there will be for that."""
        ...


class JobList:
    """The jobs of a plan: those that it lists, and those that confirm a method's best settings once it has been tried.

    A job's turn comes by the work that waits for it, its own and its method's, the largest first: begun last, a long
    job would keep one core alone.

    Args:
        jobs: those that are known before anything trains.
        methods: of the plan; a method that is to be confirmed is when the last of its trials has ended.
        in_order: let them come as the plan has them, where they train one after the other.
    """

    def __init__(self, jobs: Sequence[TrialJob], methods: Sequence[Method] = (), in_order: bool = False) -> None:
        self.template = jobs[0]
        self._methods, self._in_order = methods, in_order
        self._added = 0
        self._turns: list[tuple[float, int, str, Config]] = []  # a heap: -work, place, key, configuration
        self._over: set[str] = set()
        self._untried = {
            number: {trial.key for trial in method.trials} for number, method in enumerate(methods) if method.confirmed
        }
        later = {key: self._later(number) for number, keys in self._untried.items() for key in keys}
        self._listed = list(jobs)
        self._confirming: dict[tuple[int, int, int], TrialJob] = {}
        self._chosen: dict[int, list[TrialJob]] = {}  # of each method, once it has been tried
        for index, job in enumerate(jobs):
            self._add(job, {"index": index}, later.get(job.key, 0.0))

    @property
    def limit(self) -> int:
        """Return how many there will be at most."""
        return len(self.known()) + sum(self._methods[number].confirmed for number in self._untried)

    @property
    def adaptive(self) -> None:
        """Return None: nothing has to be searched."""

    @property
    def exhausted(self) -> bool:
        """Return whether every job has had its turn and none will be added."""
        self._pass_over()
        return not self._turns and not self._untried

    def known(self) -> list[TrialJob]:
        """Return the jobs of the plan, and then those that confirm, in the methods' order, as far as they are known.

        In which order methods were tried is chance, and tables have their rows in this one.
        """
        return [*self._listed, *(job for number in sorted(self._chosen) for job in self._chosen[number])]

    def name(self, job: TrialJob) -> str:
        """Return what tells a job from the others."""
        return short_names({one.key: one.trial.labels for one in self.known()})[job.key]

    def job(self, config: Mapping[str, object]) -> TrialJob:
        """Return the job at a place of the list, or the one that confirms a setting of a method's trial."""
        index = config.get("index")
        if isinstance(index, int):
            return self._listed[index]
        number, trial, setting = (config[name] for name in ("method", "trial", "setting"))
        assert isinstance(number, int) and isinstance(trial, int) and isinstance(setting, int)
        place = (number, trial, setting)
        if place not in self._confirming:  # Tune's loop asks again and again, and a key takes a millisecond
            self._confirming[place] = self.template.of(self._methods[number].confirming(trial, setting))
        return self._confirming[place]

    def resume(self) -> set[str]:
        """Pass over the jobs that have results, also of those that confirm, and return their keys."""
        before = -1
        while len(jobs := self.known()) > before:  # the end of one may add others
            before = len(jobs)
            for job in jobs:
                if job.key not in self._over and job.done:
                    self.end(job.key)
        return set(self._over)

    def next(self) -> Config | None:
        """Return the configuration of the job whose turn it is; None where none is left, or has been chosen yet."""
        self._pass_over()
        return heapq.heappop(self._turns)[-1] if self._turns else None

    def begin(self, config: Mapping[str, object]) -> None:
        """Record nothing: the plan names every job."""

    def end(self, key: str) -> int:
        """Record that a job has ended; the last one of a method adds those that confirm its best settings."""
        self._over.add(key)
        fewer = 0
        for number, keys in list(self._untried.items()):
            keys.discard(key)
            if not keys:
                del self._untried[number]
                fewer += self._methods[number].confirmed - self._confirm(number)
        return fewer

    def _confirm(self, number: int) -> int:
        """Add the jobs that confirm a method's best settings, and return how many."""
        best = best_settings(self.template.folder, self._methods[number])
        configs = [{"method": number, "trial": trial, "setting": setting} for trial, setting in best]
        self._chosen[number] = [self.job(config) for config in configs]
        for job, config in zip(self._chosen[number], configs, strict=True):
            self._add(job, config)
        return len(best)

    def _add(self, job: TrialJob, config: Config, later: float = 0.0) -> None:
        """Let a job wait for its turn, after which as many seconds of other work can begin."""
        self._added += 1  # those that cost the same come in this order
        work = 0.0 if self._in_order else trial_seconds(job.trial) + later
        heapq.heappush(self._turns, (-work, self._added, job.key, config))

    def _later(self, number: int) -> float:
        """Return how many seconds of work wait for the end of a method's trials."""
        method = self._methods[number]
        return method.confirmed * trial_seconds(method.confirming(0, 0))

    def _pass_over(self) -> None:
        """Let jobs that have ended before their turn have none."""
        while self._turns and self._turns[0][2] in self._over:
            heapq.heappop(self._turns)
