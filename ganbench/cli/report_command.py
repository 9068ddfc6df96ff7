"""`ganbench report`: pages from tables that exist, and the same answer for a pull request or a tool."""

from __future__ import annotations

from pathlib import Path

import click

from ganbench.cli.options import REPORT, announce, writable
from ganbench.cli.paths import PATH

EPILOG = """\b
Examples:
  ganbench report results/smoke                          the newest run of a suite
  ganbench report results/smoke/0a1b2c3d4e results/smoke what changed from one run to another
  ganbench report my_run                                 the folder of a ganbench.Monitor
  ganbench report results/smoke --markdown >> "$GITHUB_STEP_SUMMARY"
  ganbench report results --index                        report/index.html: all runs
  ganbench report results/mode_collapse --watch          again and again while a sweep runs
"""


@click.command("report", epilog=EPILOG)
@click.argument("runs", nargs=-1, required=True, type=PATH)
@REPORT
@click.option("--markdown", "form", flag_value="markdown", help="Print Markdown for a pull request instead of a page.")
@click.option("--json", "form", flag_value="json", help="Print the answer as JSON instead of a page.")
@click.option(
    "--index", is_flag=True, help="Write REPORT/index.html, the overview of all runs below a folder of results."
)
@click.option("--watch", is_flag=True, help="Write the page again whenever the run's tables change, until ^C.")
def command(runs: tuple[Path, ...], report: Path, form: str | None, index: bool, watch: bool) -> None:
    """Write the page of a run (its folder, or a suite's for its newest run) to REPORT/<suite>.html.

    Of two or more runs it is the page of what changed from the first to each of the others, in
    REPORT/<suite>-changes.html.
    """
    first, *others = runs
    if form and watch:
        raise click.UsageError(f"--watch writes pages and --{form} prints; give one of them")
    if index:
        _index(runs, report, form, watch)
        return
    if form and not others:
        _print(first, form)
        return
    if form or (watch and others):
        from ganbench.core.errors import UsageError

        option = f"--{form}" if form else "--watch"
        remedy = "; `ganbench compare` prints comparisons" if form else ""
        raise UsageError(f"{option} takes one run, found {len(runs)}; name one{remedy}")
    writable(report)
    if watch:
        from ganbench.report.watch import watch as watching

        watching(first, report, click.echo)
        return
    announce(write(runs, report))


def _index(runs: tuple[Path, ...], report: Path, form: str | None, watch: bool) -> None:
    from ganbench.report.index import write_index

    results, *more = runs
    if more or form or watch:
        raise click.UsageError("--index takes one folder of results, and none of --markdown, --json and --watch")
    writable(report)
    announce(write_index(results, report))


def write(runs: tuple[Path, ...], report: Path) -> Path:
    """Write the page of a run, or of what changed between several, and return its path."""
    from ganbench.report.page import write_changes, write_report
    from ganbench.report.watch import page_name
    from ganbench.tables.results import find_run

    folders = [find_run(run) for run in runs]
    suite = page_name(folders[-1])
    if len(folders) == 1:
        return write_report(folders[0], report / f"{suite}.html")
    return write_changes(folders[0], folders[1:], report / f"{suite}-changes.html")


def _print(run: Path, form: str) -> None:
    from ganbench.report.downloads import to_json
    from ganbench.report.summary import AnalysedResults, markdown
    from ganbench.tables.results import load

    click.echo((markdown if form == "markdown" else to_json)(AnalysedResults(load(run))), nl=False)
