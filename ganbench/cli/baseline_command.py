"""`ganbench baseline`: the numbers that later runs are held against."""

from __future__ import annotations

from pathlib import Path

import click

from ganbench.cli.check_options import BASELINES
from ganbench.cli.console import table
from ganbench.cli.paths import PATH

EPILOG = """\b
Examples:
  ganbench baseline save results/smoke              as smoke-<system>-<gpu, or cpu>
  ganbench baseline save results/smoke --as main
  ganbench baseline list
  ganbench baseline promote next                    let `next` be what `ganbench check` looks for
"""
DEBUG = click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")


@click.group("baseline", epilog=EPILOG)
def command() -> None:
    """Save a run's numbers, without its pictures, in a folder to commit; list and promote what is there."""


@command.command("save")
@click.argument("run", type=PATH)
@click.option("--as", "name", metavar="NAME", help="By default the suite and the class of the machine.")
@click.option("--replace", is_flag=True, help="Take the place of a baseline of this name.")
@BASELINES
@DEBUG
def save(run: Path, name: str | None, replace: bool, root: Path) -> None:
    """Save RUN as a baseline.

    RUN is a run's folder, or a suite's for its newest run.
    """
    from ganbench.check import baselines

    folder = baselines.save(run, root, name, replace)
    click.echo(f"baseline  {folder}")


@command.command("promote")
@click.argument("name")
@click.option("--to", metavar="NAME", help="By default the suite and the class of the machine.")
@BASELINES
@DEBUG
def promote(name: str, to: str | None, root: Path) -> None:
    """Make NAME the baseline that `check` takes.

    What was there is kept as `<place>.previous`.
    """
    from ganbench.check import baselines

    folder = baselines.promote(name, to or baselines.default_name(baselines.find(name, root).manifest), root)
    click.echo(f"baseline  {folder}")


@command.command("list")
@BASELINES
@DEBUG
def listing(root: Path) -> None:
    """List the baselines with what they hold."""
    from ganbench.check import baselines
    from ganbench.core.errors import IncomparableError
    from ganbench.core.markdown import one_line

    rows = []
    for name in baselines.names(root):
        try:
            baseline = baselines.find(name, root)
        except IncomparableError as error:
            rows.append([name, "", "", "", "", f"cannot be read: {error}"])
            continue
        runs, manifest = baseline.results.runs, baseline.manifest
        saved = (manifest.baseline or {}).get("saved", "")
        counts = [str(runs["trial"].nunique()), str(len(runs))]
        rows.append([name, manifest.suite, manifest.run, *counts, str(saved)])
    if rows:
        table(("name", "suite", "run", "trials", "runs", "saved"), [[one_line(cell) for cell in row] for row in rows])
    else:
        click.echo(f"no baselines in {root}; `ganbench baseline save RUN` makes one")
