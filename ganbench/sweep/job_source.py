"""What an executor is given: the jobs of a run, listed (`JobList`) or made as a search goes on (`AdaptiveSearch`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ganbench.suite.estimate import trial_seconds
from ganbench.sweep.jobs import TrialJob
from ganbench.sweep.search_log import AdaptiveSearch


class JobSource(Protocol):
    """The jobs of a run. A configuration is what Ray Tune hands to its workers in place of a job.

    Attributes:
        template: a job with the terms that all jobs share. limit: how many jobs there will be at most.
        grid: the configurations to go through, by name of their entries; empty where a search suggests them.
        adaptive: the search that suggests configurations; None where the jobs are known.
    """

    @property
    def template(self) -> TrialJob: ...  # noqa: D102 - see the class

    @property
    def limit(self) -> int: ...  # noqa: D102

    @property
    def grid(self) -> Mapping[str, Sequence[int]]: ...  # noqa: D102

    @property
    def adaptive(self) -> AdaptiveSearch | None: ...  # noqa: D102

    def known(self) -> list[TrialJob]:
        """Return the jobs that are known so far."""
        ...

    def job(self, config: Mapping[str, object]) -> TrialJob:
        """Return the job of a configuration."""
        ...

    def begin(self, config: Mapping[str, object]) -> None:
        """Record that a configuration is being tried."""
        ...

    def without(self, keys: set[str]) -> JobSource:
        """Return the source without the jobs that are done."""
        ...


@dataclass(frozen=True)
class JobList:
    """The jobs of a plan whose trials are known before anything trains."""

    jobs: Sequence[TrialJob]

    @property
    def template(self) -> TrialJob:
        """Return the first job."""
        return self.jobs[0]

    @property
    def limit(self) -> int:
        """Return how many there are."""
        return len(self.jobs)

    @property
    def grid(self) -> Mapping[str, Sequence[int]]:
        """Return each job's place in the list, the longest job's first: begun last, it would keep one core alone."""
        return {"index": sorted(range(len(self.jobs)), key=lambda i: -trial_seconds(self.jobs[i].trial))}

    @property
    def adaptive(self) -> None:
        """Return None: nothing has to be searched."""

    def known(self) -> list[TrialJob]:
        """Return all of them."""
        return list(self.jobs)

    def job(self, config: Mapping[str, object]) -> TrialJob:
        """Return the job at a place of the list."""
        index = config["index"]
        assert isinstance(index, int)
        return self.jobs[index]

    def begin(self, config: Mapping[str, object]) -> None:
        """Record nothing: the plan names every job."""

    def without(self, keys: set[str]) -> JobList:
        """Return the list of the jobs that are left."""
        return JobList([job for job in self.jobs if job.key not in keys])
