"""`ganbench cure`: looks for what cures the trials that fail."""

from __future__ import annotations

import itertools
import shutil
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.cli.options import (
    ADDRESS,
    EXECUTOR,
    IMPORTS,
    JOBS,
    REPORT,
    RESULTS,
    WEIGHTS,
    announce,
    require_address,
    weight_variables,
    writable,
)
from ganbench.cli.paths import PATH
from ganbench.cli.shipped import suite_file
from ganbench.core.environment import variables

if TYPE_CHECKING:
    from ganbench.cures.search import Cure
    from ganbench.sweep.executors import ExecutorName

EPILOG = """\b
Examples:
  ganbench cure results/digits                       every trial of a run that fails
  ganbench cure collapse_cures --only 'tricks=none'  one of a suite, trained first if need be
  ganbench cure my_suite.yaml --only 0a1b2c3d4e5f    by its name in the tables
  ganbench cure results/smoke --seeds 8 --executor local
  ganbench cure results/mine --import my_trick.py    of a suite that names one of your own
\b
Remedies and the trial itself are trained on the same fresh seeds, in stages of a quarter,
a half and all of them. Remedies that are clearly behind get no more.
Running it again trains only what is missing.
\b
Exit codes: 0 every failing trial has a cure; 1 not so; 2 usage; 4 a trial has no results.
"""


@click.command("cure", epilog=EPILOG)
@click.argument("target", metavar="SUITE|RUN", type=PATH)
@click.option("--only", metavar="TRIAL", help="The trial's name in the tables, or a filter as of `ganbench run`.")
@click.option(
    "--seeds", default=16, show_default=True, type=click.IntRange(1, 256), help="Seeds of each remedy, at most."
)
@IMPORTS
@RESULTS
@REPORT
@EXECUTOR
@ADDRESS
@JOBS
@WEIGHTS
def command(
    target: Path,
    only: str | None,
    seeds: int,
    results: Path,
    report: Path,
    executor: ExecutorName,
    address: str | None,
    jobs: int | None,
    weights: tuple[str, ...],
) -> int:
    """Find what cures the trials of SUITE (.yaml or a shipped one's name) or of RUN (a folder) that fail.

    Writes the tables to RESULTS/<suite>-cure and the page of before and after to REPORT/<suite>-cures.html.
    """
    require_address(executor, address)
    click.get_current_context().with_resource(variables(weight_variables(weights)))
    from ganbench.cures.run import Settings, cures_of
    from ganbench.report.cured import write_cures

    settings = Settings(results, executor, address, jobs, say=lambda text: click.echo(text, err=True))
    if not target.is_dir():
        target = suite_file(target, " or the folder of a run")
    writable(report)
    cures = cures_of(target, only, seeds, settings)
    for cure in cures:
        _show(cure)
    click.echo(f"tables  {cures[0].folder}")
    announce(write_cures(cures, report))
    return 0 if all(cure.best for cure in cures) else 1


def _show(cure: Cure) -> None:
    from ganbench.cures import answer

    click.echo(f"{cure.base.name}: {answer.failure(cure)}")
    click.echo(answer.sentence(cure))
    if cure.remedies:
        click.echo(f"\nseeds {cure.seeds[0]} to {cure.seeds[-1]}:")
        _by_outcome(answer.HEADS, list(answer.rows(cure)))
    for text in answer.left_out(cure):
        click.echo(f"left out  {text}")
    if text := answer.next_step(cure):
        click.echo(f"next      {text}")
    if best := answer.worth_adding(cure):
        click.echo(f"\nadd it to `include:` of the suite:\n  {best.line}")
        if lines := answer.code(best):
            click.echo("\nor to a loop of your own:")
            click.echo("\n".join(f"  {line}".rstrip() for line in lines.splitlines()))
    click.echo()


def _by_outcome(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print the remedies under what they came to, their names last and folded on a terminal: some are long."""
    widths = [max(map(len, column)) for column in zip(*(row[1:-1] for row in (heads, *rows)), strict=True)]
    margin = sum(widths) + 2 * len(widths) + 2
    room = max(24, shutil.get_terminal_size().columns - margin) if sys.stdout.isatty() else 10**6

    def show(row: Sequence[str]) -> None:
        numbers = "  ".join(cell.ljust(width) for cell, width in zip(row[1:-1], widths, strict=True))
        first, *others = textwrap.wrap(row[-1], room, break_on_hyphens=False)
        click.echo("\n".join([f"  {numbers}  {first}", *(" " * margin + other for other in others)]))

    show(heads)
    for outcome, group in itertools.groupby(rows, key=lambda row: row[0]):
        click.echo(outcome)
        for row in group:
            show(row)
