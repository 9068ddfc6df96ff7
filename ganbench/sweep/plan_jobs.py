"""A plan's trials as jobs for an executor, or the search that makes them as it goes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ganbench.core.component import Component
from ganbench.core.errors import UsageError
from ganbench.core.imports import imported
from ganbench.suite.plan import Plan
from ganbench.suite.space import Sampler, direction
from ganbench.sweep.executors import EXECUTORS, ExecutorName
from ganbench.sweep.job_source import JobList, JobSource
from ganbench.sweep.jobs import TrialJob
from ganbench.sweep.search_log import AdaptiveSearch


def require_executor(plan: Plan, executor: ExecutorName) -> None:
    """Refuse an executor that a plan's search does not work with.

    Raises:
        UsageError: the search is one that only an executor with `searches` can follow.
    """
    search = plan.suite.search
    if search is not None and search.needs_ray and not EXECUTORS[executor].searches:
        place = plan.suite.place(("search",))
        raise UsageError(f"{place}: asha and optuna are Ray's; leave `--executor {executor}` out, or search at random")


def jobs_of(plan: Plan, folder: Path, components: tuple[type[Component], ...], executor: ExecutorName) -> JobSource:
    """Return the plan's trials as jobs for an executor, or the search that makes them as it goes."""
    resources, search = plan.suite.resources, plan.suite.search
    first = (plan.trials or plan.cells)[0]
    template = TrialJob(
        first,
        first.key,
        folder,
        timeout=resources.timeout,
        threads=resources.cpus,
        components=components,
        imports=imported(),
        device=resources.device,
        gpus=resources.gpus,
        compile=resources.compile,
    )
    if search is not None:
        mode = direction(search, first.metrics)
        template = replace(template, objective=(search.metric, mode), search=search)
        if search.adaptive:
            return AdaptiveSearch(Sampler(search, plan.cells), template, folder / f"search-{plan.run_id}.jsonl", mode)
    jobs = [template.of(trial) for trial in plan.trials]
    return JobList(jobs, plan.methods, in_order=EXECUTORS[executor].in_process)
