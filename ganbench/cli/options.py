"""The options that several commands share, and reading them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.cli.paths import PATH
from ganbench.sweep.executors import EXECUTORS, ExecutorName

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from ganbench.suite.plan import Plan

Command = Callable[..., int | None]
RESULTS = click.option("--results", default="results", show_default=True, type=PATH, help="Folder of tables.")
REPORT = click.option("--report", default="report", show_default=True, type=PATH, help="Folder of pages.")
EXECUTOR = click.option(
    "--executor",
    default="ray",
    show_default=True,
    type=click.Choice(list(EXECUTORS)),
    help=f"Train trials {', or '.join(one.summary for one in EXECUTORS.values())}.",
)
ADDRESS = click.option("--address", metavar="HOST:PORT", help="Attach to this Ray cluster instead of starting one.")
JOBS = click.option("--jobs", type=click.IntRange(1, 4096), help="Trials at a time; as many as cores allow by default.")
WEIGHTS = click.option(
    "--weights",
    multiple=True,
    metavar="NAME=FILE",
    help="Weights of an extractor (inception, clip, vgg) instead of those that torch-fidelity downloads.",
)


def _import(context: click.Context, parameter: click.Parameter, files: tuple[Path, ...]) -> None:
    from ganbench.core.imports import import_file

    for file in files:
        import_file(file)


def kind_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return for completion the kinds that `list` knows."""
    from ganbench.cli.describe import PLURALS

    return [name for name in (*PLURALS.values(), "verdicts") if name.startswith(incomplete)]


def explained_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return for completion what `explain` knows."""
    from ganbench.cli import failures
    from ganbench.cli.settings import SETTINGS
    from ganbench.core.registry import PACKAGES, components

    known = (cls for kind in PACKAGES for cls in components(kind).values())
    names = {*SETTINGS, *failures.names(), *(name for cls in known for name in (cls.name, *cls.aliases))}
    return sorted(name for name in names if name.startswith(incomplete))


def suite_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return for completion the suites that come with the package, and files."""
    from click.shell_completion import CompletionItem

    from ganbench.cli import shipped

    named = [CompletionItem(name) for name in shipped.suite_names() if name.startswith(incomplete)]
    return [*named, CompletionItem(incomplete, type="file")]


# Eager: other options may name what a file defines.
IMPORTS = click.option(
    "--import",
    multiple=True,
    is_eager=True,
    expose_value=False,
    callback=_import,
    type=PATH,
    metavar="FILE.py",
    help="Run this file and let suites name the components that it defines. Its content is part of what identifies a "
    "result.",
)


def selection(command: Command) -> Command:
    """Add the argument SUITE and the options that change or filter it."""
    for decorate in (
        IMPORTS,
        click.option("--yes", is_flag=True, help="Go on although there are more than 10 000 trials."),
        click.option(
            "--set",
            "overrides",
            multiple=True,
            metavar="KEY=VALUE",
            help="Override a key of the suite: --set steps=500 --set evaluate.every=100.",
        ),
        click.option(
            "--only",
            metavar="FILTER",
            help="Only trials that match all terms: 'loss=hinge,tricks=*r1*' (axes: dataset, network, loss, tricks, "
            "optimizer), or '*hinge*' for the trial's name.",
        ),
        click.argument("suite", type=PATH, shell_complete=suite_names),
    ):
        command = decorate(command)
    return command


def plan_of(suite: Path, overrides: tuple[str, ...], only: str | None, yes: bool) -> Plan:
    """Read a suite and make its plan."""
    from ganbench.cli.shipped import suite_file
    from ganbench.suite.plan import MAX_TRIALS, make_plan
    from ganbench.suite.schema import read_suite

    return make_plan(read_suite(suite_file(suite), overrides), only, cap=None if yes else MAX_TRIALS)


def weight_variables(texts: tuple[str, ...]) -> dict[str, str]:
    """Return the environment variables that let extractors, in worker processes too, read `inception=FILE`.

    Raises:
        UsageError: a text is not `NAME=FILE`, of an extractor that can be told so and a file that is there.
    """
    from ganbench.core import registry
    from ganbench.core.errors import UsageError

    changes: dict[str, str] = {}
    for text in texts:
        name, _, file = text.partition("=")
        known = sorted(n for n, cls in registry.components("extractor").items() if getattr(cls, "from_file", False))
        if name not in known or not Path(file).is_file():
            problem = (
                f"there is no file {file}" if name in known else "no extractor of that name reads weights from a file"
            )
            raise UsageError(f"--weights {text}: {problem}; write NAME=FILE, with one of {', '.join(known)}")
        changes[f"GANBENCH_WEIGHTS_{name.upper()}"] = str(Path(file).absolute())
    return changes


def require_address(executor: ExecutorName, address: str | None) -> None:
    """Refuse the address of a cluster for an executor that attaches to none."""
    if address and not EXECUTORS[executor].attaches:
        raise click.UsageError(f"--address is a Ray cluster's; leave it out with --executor {executor}")


def announce(page: Path) -> None:
    """Say where a page is, and as a link that terminals open."""
    click.echo(f"report  {page}\nopen    {Path(os.path.realpath(page)).as_uri()}")


def writable(folder: Path) -> None:
    """Make a folder for pages, or say before anything is trained that it cannot be written."""
    from ganbench.core.errors import UsageError

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        why = "it is a file" if folder.is_file() else error.strerror
        raise UsageError(f"{folder}: cannot be written ({why}); choose another folder with --report") from None
