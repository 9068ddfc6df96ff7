"""`ganbench run`: the main job, from a suite to its report."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.cli.options import (
    ADDRESS,
    EXECUTOR,
    JOBS,
    REPORT,
    RESULTS,
    WEIGHTS,
    announce,
    plan_of,
    require_address,
    selection,
    weight_variables,
    writable,
)
from ganbench.core.environment import variables
from ganbench.core.extras import require
from ganbench.sweep.executors import EXECUTORS, ExecutorName

if TYPE_CHECKING:
    from ganbench.suite.plan import Plan

EPILOG = """\b
Examples:
  ganbench run suites/smoke.yaml
  ganbench run suites/mode_collapse.yaml --only 'dataset=ring*' --set seeds=4
  ganbench run suites/smoke.yaml --executor local    in this process, for debuggers
  ganbench run suites/smoke.yaml --sink tensorboard:logs
  ganbench run my_suite.yaml --import my_trick.py    with a component of your own
  ganbench run my_faces.yaml --weights inception=weights.pth
\b
Running it again trains only what is missing; an interrupted run goes on from there.
"""


@click.command("run", epilog=EPILOG)
@selection
@RESULTS
@REPORT
@EXECUTOR
@ADDRESS
@click.option(
    "--device", type=click.Choice(["cpu", "cuda", "auto"]), help="Where trials train; as the suite says by default."
)
@JOBS
@click.option(
    "--sink",
    "sinks",
    multiple=True,
    metavar="KIND:WHERE",
    help="Hand the rows of trials that finish on, of a finished run all of them: tensorboard:FOLDER, mlflow:URI or "
    "wandb:PROJECT.",
)
@WEIGHTS
def command(
    suite: Path,
    overrides: tuple[str, ...],
    only: str | None,
    yes: bool,
    results: Path,
    report: Path,
    executor: ExecutorName,
    address: str | None,
    device: str | None,
    jobs: int | None,
    sinks: tuple[str, ...],
    weights: tuple[str, ...],
) -> int:
    """Run SUITE: train what is missing, write the tables to RESULTS/<suite> and the page to REPORT/<suite>.html."""
    require_address(executor, address)
    overrides = (*overrides, f"resources.device={device}") if device else overrides
    click.get_current_context().with_resource(variables(weight_variables(weights)))
    plan = plan_of(suite, overrides, only, yes)
    require("jinja2", *EXECUTORS[executor].packages)
    writable(report)

    from ganbench.sinks.named import sink_of

    trackers = [sink_of(text) for text in sinks]
    from ganbench.cli.plan_command import headline

    click.echo(headline(plan, 1 if EXECUTORS[executor].in_process else jobs))
    from ganbench.sweep.run import run_plan

    outcome = run_plan(plan, results, executor=executor, address=address, jobs=jobs, sinks=trackers)
    outcome.require_uninterrupted()
    from ganbench.report.page import write_report

    for text in _judged(outcome.folder):
        click.echo(f"judged  {text}")
    click.echo(f"tables  {outcome.folder}")
    announce(write_report(outcome.folder, report / f"{plan.name}.html"))
    if hint := _failures(outcome.folder, plan):
        click.echo(hint)
    return outcome.exit_code


def _judged(folder: Path) -> Iterator[str]:
    """Yield for each data set on how many samples its numbers were taken, and by which features."""
    from ganbench.core.errors import UsageError
    from ganbench.tables.results import load_runs

    try:
        runs = load_runs(folder)
    except UsageError:  # the page, which needs them all, says so
        return
    judged = runs.reindex(columns=["dataset", "extractor", "n_real", "n_fake"]).dropna().drop_duplicates()
    for dataset, features, real, fake in judged.itertuples(index=False, name=None):
        yield f"{dataset}: {fake:,} generated against {real:,} held-out real samples, features {features}"


def _failures(folder: Path, plan: Plan) -> str:
    """Return how many trials fail and what looks for cures; empty where none does or the suite is not for it."""
    from ganbench.analysis.verdicts import verdicts
    from ganbench.core.errors import UsageError
    from ganbench.cures.search import failing, require_one_setting
    from ganbench.tables.results import load

    try:
        require_one_setting(plan.suite)
        failed = failing(verdicts(load(folder)))
    except UsageError:
        return ""
    if not failed:
        return ""
    count, trials = len(failed), len(plan.trials)
    command, them = _cure(folder, plan), "it" if count == 1 else "them"
    return f"by their verdicts {count} of {trials} trials failed; `{command}` looks for what cures {them}"


def _cure(folder: Path, plan: Plan) -> str:
    """Return the command that looks for cures, with the imported files whose components the plan's trials have."""
    from ganbench.core.imports import imported

    used = {str(version).partition("+")[2] for trial in plan.trials for version in trial.versions.values()}
    files = [word for file in imported() if file.digest in used for word in ("--import", file.path)]
    return shlex.join(["ganbench", "cure", str(folder), *files])
