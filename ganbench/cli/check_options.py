"""What `check` and `compare` share: the options that decide, and those that choose the output."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ganbench.analysis.comparison_results import Comparison
    from ganbench.analysis.comparison_rules import Rules

BASELINES = click.option(
    "--baselines",
    "root",
    default="results/baselines",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder of baselines.",
)


def deciding(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that decide what counts as a difference."""
    for decorate in (
        click.option(
            "--metric",
            "metrics",
            multiple=True,
            metavar="METRIC",
            help="Judge this metric alone (repeatable, wildcards work; `diverged` is one); all with a direction by "
            "default. Fewer tests need fewer seeds.",
        ),
        click.option(
            "--seeds",
            "least",
            multiple=True,
            metavar="METRIC=NUMBER",
            help='Judge a metric only with so many runs on each side: "*=16".',
        ),
        click.option(
            "--margin",
            "margins",
            multiple=True,
            metavar="METRIC=NUMBER",
            help='Call a metric the same only where a loss of so much is ruled out: modes_captured=1, "*=20%".',
        ),
        click.option(
            "--tolerance",
            "tolerances",
            multiple=True,
            metavar="METRIC=NUMBER",
            help='Report no difference up to this, in the metric\'s unit or in % of the baseline: fid=.01, "*=5%".',
        ),
        click.option(
            "--alpha",
            default=0.01,
            show_default=True,
            type=float,
            help="Chance of any false alarm in the whole comparison.",
        ),
    ):
        command = decorate(command)
    return command


def showing(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose the output."""
    for decorate in (
        click.option("--junit-xml", type=click.Path(path_type=Path), metavar="FILE", help="Write JUnit XML as well."),
        click.option("--json", "form", flag_value="json", help="Print JSON instead of a table."),
        click.option("--markdown", "form", flag_value="markdown", help="Print Markdown instead of a table."),
        click.option("--all", "everything", is_flag=True, help="Show what is the same, too."),
    ):
        command = decorate(command)
    return command


def rules_of(
    alpha: float,
    tolerances: Sequence[str],
    margins: Sequence[str],
    metrics: Sequence[str],
    least: Sequence[str] = (),
) -> Rules:
    """Return the rules that the options give."""
    from ganbench.analysis.comparison_rules import Rules, read_limits

    return Rules(alpha, read_limits(tolerances), read_limits(margins), tuple(metrics), read_limits(least))


def print_comparison(
    comparison: Comparison, title: str, warnings: Sequence[str], form: str | None, everything: bool
) -> None:
    """Print a comparison as a table, as Markdown or as JSON."""
    import json

    from ganbench.check.outputs import markdown
    from ganbench.check.verdict import HEADERS, as_data, cells, headline, visible
    from ganbench.core.markdown import one_line

    if form == "json":
        click.echo(json.dumps(as_data(comparison, title, warnings), indent=2, ensure_ascii=False))
        return
    if form == "markdown":
        click.echo(markdown(comparison, title, warnings, everything), nl=False)
        return
    from ganbench.cli.console import table

    if rows := visible(comparison, everything):
        table(HEADERS, [[one_line(cell) for cell in cells(row)] for row in rows])
    for text in (*(f"note: {w}" for w in warnings), *(f"new, not judged: {name}" for name in comparison.new)):
        click.echo(one_line(text))
    click.echo(headline(comparison))


def write_file(path: Path, text: str, append: bool = False) -> None:
    """Write or append to a file of the user's.

    Raises:
        UsageError: it cannot be written.
    """
    from ganbench.core.errors import UsageError

    try:
        with open(path, "a" if append else "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror}); choose another file") from None
