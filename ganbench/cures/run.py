"""From a suite or a run's folder to its cures: reads it, trains what has no verdict yet, and looks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.core.component import Component
from ganbench.core.errors import UsageError
from ganbench.core.naming import run_id
from ganbench.cures.search import Cure, look_for_cures, require_one_setting
from ganbench.suite.plan import Plan, make_plan
from ganbench.suite.schema import Suite, read_suite, suite_of
from ganbench.suite.yaml import read_bytes
from ganbench.sweep.executors import ExecutorName
from ganbench.sweep.run import run_plan

if TYPE_CHECKING:
    from ganbench.tables.results import Results


@dataclass(frozen=True)
class Settings:
    """How trials are trained, as for `run_plan`; `say` is told how far it is."""

    results: Path
    executor: ExecutorName = "ray"
    address: str | None = None
    jobs: int | None = None
    components: Sequence[type[Component]] = ()
    say: Callable[[str], None] = lambda text: None

    def train(self, plan: Plan) -> Path:
        """Train a plan and return its run's folder.

        Raises:
            Interrupted: a signal ended it; finished trials are kept.
        """
        outcome = run_plan(
            plan,
            self.results,
            executor=self.executor,
            address=self.address,
            jobs=self.jobs,
            components=self.components,
        )
        outcome.require_uninterrupted()
        return outcome.folder


def cures_of(target: Path, only: str | None, seeds: int, settings: Settings) -> list[Cure]:
    """Return what cures the failing trials of a suite's file or of a run's folder.

    Raises:
        UsageError: it is neither, no trial fails, or `only` names none.
    """
    if not target.is_dir():
        return cures_of_suite(read_suite(target), only, seeds, settings)
    from ganbench.tables.results import find_run, load

    folder = find_run(target)
    results = load(folder)
    if "datasets" not in results.suite and "include" not in results.suite:
        raise UsageError(
            f"{folder}: a ganbench.Monitor wrote it, and cure trains trials of a suite; give the run of a suite"
        )
    suite = suite_of(read_bytes(results.suite.encode(), str(folder / "suite.yaml")))  # the text that was checked
    return cures_of_plan(chosen(suite, only), results, seeds, settings)


def cures_of_suite(suite: Suite, only: str | None, seeds: int, settings: Settings) -> list[Cure]:
    """Return what cures the failing trials of a suite; those without results are trained first.

    Raises:
        UsageError: no trial fails, or `only` names none.
    """
    from ganbench.tables.results import load

    plan = chosen(suite, only)
    return cures_of_plan(plan, load(settings.train(plan)), seeds, settings)


def chosen(suite: Suite, only: str | None) -> Plan:
    """Return a suite's plan, or the part of it that `only` names: a trial's name in the tables, or a filter.

    Raises:
        UsageError: it names no trial, or the suite has settings of its own to try.
    """
    require_one_setting(suite)
    plan = make_plan(suite)
    if only is None:
        return plan
    named = tuple(trial for trial in plan.trials if trial.id == only)
    return replace(plan, trials=named, run_id=run_id(trial.key for trial in named)) if named else make_plan(suite, only)


def cures_of_plan(plan: Plan, results: Results, seeds: int, settings: Settings) -> list[Cure]:
    """Return what cures the trials of a plan that fail in these results.

    Raises:
        UsageError: none fails, or the results have none of the trials.
    """
    from ganbench.analysis.verdicts import verdicts

    judged = verdicts(results)
    judged = judged.loc[judged["trial"].isin([trial.id for trial in plan.trials])]
    if judged.empty:
        raise UsageError(
            f"{results.path}: holds none of the suite's trials as this version trains them; run the suite again"
        )
    return look_for_cures(plan, judged, seeds, settings.train, settings.say)
