"""`ganbench check`: the gate."""

from __future__ import annotations

import functools
import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.cli.check_options import BASELINES, Output, deciding, showing, write_file
from ganbench.cli.options import EXECUTOR, IMPORTS, JOBS, RESULTS, WEIGHTS, plan_of, weight_variables
from ganbench.cli.paths import PATH
from ganbench.cli.shipped import shipped
from ganbench.core.environment import variables

if TYPE_CHECKING:
    from ganbench.analysis.comparison_results import Comparison
    from ganbench.analysis.comparison_rules import Rules
    from ganbench.check.baselines import Baseline
    from ganbench.check.differences import Difference, Side
    from ganbench.suite.plan import Plan
    from ganbench.sweep.executors import ExecutorName
    from ganbench.tables.manifest import RunManifest

EPILOG = """\b
Examples:
  ganbench check smoke                           train, then judge by smoke-<system>-<gpu or cpu>
  ganbench check results/smoke --baseline main   judge a run that is there
  ganbench check smoke --sequential              more seeds only for what is undecided
  ganbench check smoke --markdown --junit-xml ganbench.xml --github
  ganbench check --speed                         is a step slower than it was?
\b
Exit codes: 0 no regression found; 1 regression, or a metric without a value now; 2 usage;
3 no baseline, or one that cannot be compared (reported before anything is trained);
4 trials without results, too few seeds to tell, or a margin that is not shown.
"""


@click.command("check", epilog=EPILOG)
@click.argument("target", metavar="[RUN_OR_SUITE]", required=False, type=PATH)
@click.option("--baseline", metavar="NAME", help="By default the one of this suite and this class of machine.")
@deciding
@showing
@click.option(
    "--sequential",
    is_flag=True,
    help="Train a suite's seeds in up to four groups, and no more of a trial once it is decided.",
)
@click.option("--speed", is_flag=True, help="Judge the cost of a step against a reference loop's, instead of a suite.")
@click.option("--save", is_flag=True, help="With --speed: make this the baseline.")
@click.option("--compiled", is_flag=True, help="With --speed: of a compiled step (resources.compile).")
@click.option("--github", is_flag=True, help="Write annotations for GitHub Actions to stderr.")
@BASELINES
@IMPORTS
@WEIGHTS
@RESULTS
@EXECUTOR
@JOBS
def command(
    target: Path | None,
    baseline: str | None,
    rules: Rules,
    output: Output,
    sequential: bool,
    speed: bool,
    save: bool,
    compiled: bool,
    github: bool,
    root: Path,
    weights: tuple[str, ...],
    results: Path,
    executor: ExecutorName,
    jobs: int | None,
) -> int:
    """Judge a run, or train a suite (.yaml) and judge that, against a baseline: is anything worse than it was?"""
    if speed != (target is None) or max(save, compiled) > speed:
        raise click.UsageError("give a run or a suite, or --speed (with --save to make its baseline, and --compiled)")
    if target is None:
        return _check_speed(root, save, compiled)
    target = shipped(target) or target
    if sequential and target.suffix not in (".yaml", ".yml"):
        raise click.UsageError("--sequential trains; give a suite (.yaml) instead of a run")
    click.get_current_context().with_resource(variables(weight_variables(weights)))
    plan = plan_of(target, (), None, yes=False) if target.suffix in (".yaml", ".yml") else None

    from ganbench.analysis.comparison_results import compare_results
    from ganbench.check.differences import Side, differences
    from ganbench.check.verdict import exit_code
    from ganbench.tables.results import load

    side = _side_of(plan) if plan else Side.of(load(target))
    old = _comparable_baseline(baseline, root, side.manifest, plan, rules)
    output.require_writable()
    train = functools.partial(_train, results=results, executor=executor, jobs=jobs)
    if plan and sequential:
        comparison = _sequentially(plan, old, rules, train)
    else:
        now = load(train(plan) if plan else target)
        comparison, side = compare_results(old.results, now, rules, old.fingerprints), Side.of(now)
    title, differs = f"{side.manifest.suite or target} against {old.name}", differences(Side.of(old.results), side)
    output.show(comparison, title, differs)
    _tell_github(comparison, title, differs, output, plan, github)
    return exit_code(comparison)


def _comparable_baseline(
    name: str | None, root: Path, manifest: RunManifest, plan: Plan | None, rules: Rules
) -> Baseline:
    """Return the baseline; whatever keeps it from being compared is reported before anything is trained."""
    from ganbench.analysis.comparison_results import judged_metrics
    from ganbench.check import baselines, comparable

    if plan:
        comparable.require_repeatable(plan)
    old = baselines.find(name or baselines.default_name(manifest), root)
    comparable.require_same(old.manifest, manifest)
    judged_metrics(old.results, rules)
    if plan:
        comparable.require_same_extractors(plan, old.results.runs)
    return old


def _train(plan: Plan, results: Path, executor: ExecutorName, jobs: int | None) -> Path:
    from ganbench.sweep.run import run_plan

    outcome = run_plan(plan, results, executor=executor, jobs=jobs)
    outcome.require_uninterrupted()
    return outcome.folder


def _sequentially(plan: Plan, old: Baseline, rules: Rules, train: Callable[[Plan], Path]) -> Comparison:
    from ganbench.check.sequential import check_sequentially

    comparison = check_sequentially(plan, old, rules, train)
    for seeds, trials in sorted(Counter(comparison.seeds.values()).items()):
        click.echo(f"{trials} of {len(plan.trials)} trials are decided with {seeds} seeds", err=True)
    return comparison


def _tell_github(
    comparison: Comparison,
    title: str,
    differs: Sequence[Difference],
    output: Output,
    plan: Plan | None,
    annotate: bool,
) -> None:
    """Write the summary of a step where GitHub asks for one, and annotations where they were asked for."""
    from ganbench.check import outputs

    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        text = outputs.markdown(comparison, title, differs, output.everything)
        write_file(Path(summary), text, append=True)
    if annotate:
        sys.stdout.flush()
        places = outputs.suite_places(plan, os.environ.get("GITHUB_WORKSPACE")) if plan else {}
        for line in outputs.github_annotations(comparison, places):
            click.echo(line, err=True)


def _check_speed(root: Path, save: bool, compiled: bool) -> int:
    from ganbench.check.baselines import default_name
    from ganbench.check.speed import check_speed
    from ganbench.tables.manifest import RunManifest, environment

    # The engine is timed on the processor, whatever else the machine has.
    about = RunManifest(environment={**environment(), "gpu": []})
    code, line = check_speed(root, default_name(about), save, compiled)
    click.echo(line)
    return code


def _side_of(plan: Plan) -> Side:
    """Return what a plan says of itself before it runs."""
    import yaml

    from ganbench.check.differences import Side
    from ganbench.core.naming import AXES
    from ganbench.suite.compiling import eager_reasons
    from ganbench.sweep.manifest import manifest
    from ganbench.tables.manifest import Times

    suite = yaml.safe_dump(plan.suite.resolved(), sort_keys=False, allow_unicode=True)
    trials = {trial.id: " · ".join(trial.labels[axis] for axis in AXES) for trial in plan.trials}
    return Side(manifest(plan, {}, {}, Times()), suite, trials, len(plan.trials) - len(eager_reasons(plan)))
