"""What `check` and `compare` share: the options that decide, and those that choose the output."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.cli.paths import PATH

if TYPE_CHECKING:
    from ganbench.analysis.comparison_results import Comparison
    from ganbench.check.differences import Difference

MOST_DIFFERENCES = 40  # lines of what differs; a suite that is another one has hundreds

BASELINES = click.option(
    "--baselines",
    "root",
    default="results/baselines",
    show_default=True,
    type=PATH,
    help="Folder of baselines.",
)


RULES = (
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
        "--worst",
        multiple=True,
        metavar="METRIC=NUMBER",
        help="The worst that a run counts as, which a margin needs where a metric has no worst value: fid=50.",
    ),
    click.option(
        "--margin",
        "margins",
        multiple=True,
        metavar="METRIC=NUMBER",
        help='Pass a metric only where a loss of so much is ruled out: modes_captured=1, "*=20%".',
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
)


@dataclass(frozen=True)
class Output:
    """How a comparison is shown: `form` is "json", "markdown" or None for a table."""

    form: str | None
    everything: bool
    junit_xml: Path | None

    def require_writable(self) -> None:
        """Refuse a place that cannot be written before anything is trained.

        Raises:
            UsageError: it cannot be written.
        """
        if self.junit_xml:
            write_file(self.junit_xml, "")

    def show(self, comparison: Comparison, title: str, differs: Sequence[Difference]) -> None:
        """Print a comparison, what differs between its sides first, and write its JUnit XML."""
        from ganbench.check import outputs

        _print(comparison, title, differs, self)
        if self.junit_xml:
            write_file(self.junit_xml, outputs.junit(comparison, title))


def deciding(command: Callable[..., object]) -> Callable[..., object]:
    """Add the options that decide what counts as a difference; the command gets them as `rules`."""

    @functools.wraps(command)
    def with_rules(
        *args: object,
        alpha: float,
        tolerances: tuple[str, ...],
        margins: tuple[str, ...],
        least: tuple[str, ...],
        worst: tuple[str, ...],
        metrics: tuple[str, ...],
        **more: object,
    ) -> object:
        from ganbench.analysis.comparison_rules import Rules, read_limits, read_numbers

        allowed, required, seeds = (read_limits(texts) for texts in (tolerances, margins, least))
        rules = Rules(alpha, allowed, required, metrics, seeds, read_numbers(worst))
        return command(*args, rules=rules, **more)

    return functools.reduce(lambda decorated, decorate: decorate(decorated), RULES, with_rules)


def showing(command: Callable[..., object]) -> Callable[..., object]:
    """Add the options that choose the output; the command gets them as `output`."""

    @functools.wraps(command)
    def with_output(
        *args: object, form: str | None, everything: bool, junit_xml: Path | None, **more: object
    ) -> object:
        return command(*args, output=Output(form, everything, junit_xml), **more)

    decorated: Callable[..., object] = with_output
    for decorate in (
        click.option("--junit-xml", type=PATH, metavar="FILE", help="Write JUnit XML as well."),
        click.option("--json", "form", flag_value="json", help="Print JSON instead of a table."),
        click.option("--markdown", "form", flag_value="markdown", help="Print Markdown instead of a table."),
        click.option("--all", "everything", is_flag=True, help="Show every comparison, whatever its outcome."),
    ):
        decorated = decorate(decorated)
    return decorated


def _print(comparison: Comparison, title: str, differs: Sequence[Difference], output: Output) -> None:
    import json

    from ganbench.check import differences, outputs, verdict
    from ganbench.core.markdown import one_line

    if output.form == "json":
        click.echo(json.dumps(verdict.as_data(comparison, title, differs), indent=2, ensure_ascii=False))
        return
    if output.form == "markdown":
        click.echo(outputs.markdown(comparison, title, differs, output.everything), nl=False)
        return
    from ganbench.check.shown import shown
    from ganbench.cli.console import table

    lines = shown(comparison, differs, output.everything)
    if lines.differs:
        table(differences.HEADERS, [[one_line(cell) for cell in one.cells] for one in lines.differs[:MOST_DIFFERENCES]])
    else:
        click.echo("nothing differs between the sides but their numbers")
    if len(lines.differs) > MOST_DIFFERENCES:
        click.echo(f"{len(lines.differs) - MOST_DIFFERENCES} more differences are in --json")
    if lines.common:
        click.echo(f"\nall trials: {one_line(lines.common)}")
    if lines.rows:
        click.echo()
        table(verdict.HEADERS, [[one_line(cell) for cell in row] for row in lines.cells])
        click.echo()
    new = (f"new, not judged: {name}" for name in comparison.new)
    for text in (*lines.reasons, *(f"note: {note}" for note in verdict.notes(comparison)), *new):
        click.echo(one_line(text))
    click.echo(verdict.headline(comparison))


def write_file(path: Path, text: str, append: bool = False) -> None:
    """Write or append to a file of the user's.

    Raises:
        UsageError: it cannot be written.
    """
    from ganbench.core.errors import UsageError
    from ganbench.core.given_files import write_given

    try:
        write_given(path, text, append=append)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror}); choose another file") from None
