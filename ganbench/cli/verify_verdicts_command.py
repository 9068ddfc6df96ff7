"""`ganbench verify-verdicts`: trains failures that are planted on purpose and sees whether each gets its name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.cli.check_options import write_file
from ganbench.cli.options import EXECUTOR, JOBS, RESULTS
from ganbench.cli.paths import FILE, PATH
from ganbench.cli.shipped import suite_file, suite_names

if TYPE_CHECKING:
    from ganbench.sweep.executors import ExecutorName

EPILOG = """\b
Examples:
  ganbench verify-verdicts                 all planted suites, 16 fresh seeds per scenario
  ganbench verify-verdicts planted_digits --seeds 4
  ganbench verify-verdicts --hide-modes    the same runs by precision and recall
  ganbench verify-verdicts --first-seed 5000 --markdown verdicts.md --json verdicts.json
\b
Seeds below 2000 were used to choose scenarios and thresholds; verification begins at 2000.
Running it again trains only what is missing.
\b
Exit codes: 0 at least 95 % of all runs are right and at most 2 % of the healthy ones are called
a failure; 1 not so; 2 usage; 4 some trials have no results.
"""
SUITES = ("suites/planted_failures.yaml", "suites/planted_digits.yaml", "suites/unseen_failures.yaml")


@click.command("verify-verdicts", epilog=EPILOG)
@click.argument("suites", nargs=-1, type=PATH)
@click.option("--seeds", default=16, show_default=True, type=click.IntRange(1, 256), help="Seeds a scenario.")
@click.option(
    "--healthy",
    "factor",
    default=4,
    show_default=True,
    type=click.IntRange(1, 64),
    help="So many times as many for healthy scenarios, so that 2 % can be told.",
)
@click.option(
    "--first-seed",
    default=2000,
    show_default=True,
    type=click.IntRange(0, 2**30),
    help="The others follow it.",
)
@click.option("--hide-modes", is_flag=True, help="Judge the runs as if the modes of their data were not known.")
@RESULTS
@EXECUTOR
@JOBS
@click.option("--markdown", type=FILE, help="Write the table here, too.")
@click.option("--json", "data", type=FILE, help="Write it here as data, too.")
def command(
    suites: tuple[Path, ...],
    seeds: int,
    factor: int,
    first_seed: int,
    hide_modes: bool,
    results: Path,
    executor: ExecutorName,
    jobs: int | None,
    markdown: Path | None,
    data: Path | None,
) -> int:
    """Train the planted failures of SUITES and print which verdicts they get.

    Each suite has a file of the same name ending in .csv beside it with its scenarios and their verdicts.
    """
    from ganbench.check.planted import Request, as_data, as_markdown, as_text, run

    request = Request(tuple(map(suite_file, suites)) or _planted(), seeds, factor, first_seed, hide_modes)
    for file in filter(None, (markdown, data)):
        write_file(file, "", append=True)  # before hours of training, not after
    table, code = run(request, results, executor, jobs)
    if table is None:
        click.echo("not all scenarios have results; run it again", err=True)
        return code
    click.echo(as_text(table, request))
    if markdown:
        write_file(markdown, as_markdown(table, request))
    if data:
        write_file(data, as_data(table, request))
    return 0 if table.holds else 1


def _planted() -> tuple[Path, ...]:
    """Return the suites of planted failures: those of a checkout in this folder, elsewhere those of the package."""
    shipped = suite_names()
    return tuple(Path(suite) if Path(suite).exists() else shipped[Path(suite).stem] for suite in SUITES)
