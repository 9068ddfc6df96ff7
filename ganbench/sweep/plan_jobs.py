"""A plan's trials as jobs for an executor, or the search that makes them as it goes."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ganbench.core.component import Component
from ganbench.core.errors import UsageError
from ganbench.core.imports import imported
from ganbench.suite.plan import Plan
from ganbench.suite.space import Sampler, direction
from ganbench.sweep.job_source import JobList, JobSource
from ganbench.sweep.jobs import TrialJob
from ganbench.sweep.search_log import AdaptiveSearch

Executor = Literal["ray", "local"]


def require_executor(plan: Plan, executor: Executor) -> None:
    """Refuse an executor that a plan's search does not work with.

    Raises:
        UsageError: it is a search that is Ray's.
    """
    search = plan.suite.search
    if executor == "local" and search is not None and search.needs_ray:
        place = plan.suite.place(("search",))
        raise UsageError(f"{place}: asha and optuna are Ray's; leave `--executor local` out, or search at random")


def jobs_of(plan: Plan, folder: Path, components: tuple[type[Component], ...]) -> JobSource:
    """Return the plan's trials as jobs, or the search that makes them as it goes."""
    resources, search = plan.suite.resources, plan.suite.search
    terms = (
        folder,
        resources.timeout,
        resources.cpus,
        components,
        imported(),
        resources.device,
        resources.gpus,
        resources.compile,
    )
    if search is None:
        return JobList([TrialJob(trial, trial.key, *terms) for trial in plan.trials])
    first = (plan.trials or plan.cells)[0]
    mode = direction(search, first.metrics)
    template = TrialJob(first, first.key, *terms, objective=(search.metric, mode), search=search)
    if not search.adaptive:
        return JobList([template.of(trial) for trial in plan.trials])
    return AdaptiveSearch(Sampler(search, plan.cells), template, folder / f"search-{plan.run_id}.jsonl", mode)
