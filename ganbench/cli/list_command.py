"""`ganbench list`: what suites can name."""

from __future__ import annotations

import click

from ganbench.cli.console import styled
from ganbench.cli.describe import PLURALS, facts, parameters
from ganbench.cli.options import IMPORTS
from ganbench.cli.settings import SETTINGS
from ganbench.core.component import Component

EPILOG = """\b
Examples:
  ganbench list            everything, one line per component
  ganbench list losses     one kind with papers and parameters (the singular works too)
  ganbench list --markdown > docs/catalogue.md
"""


@click.command("list", epilog=EPILOG)
@click.argument("kind", required=False)
@IMPORTS
@click.option("--markdown", is_flag=True, help="Print the whole catalogue as Markdown.")
def command(kind: str | None, markdown: bool) -> None:
    """List the components of KIND with papers, parameters and claims; without KIND, all in one line each."""
    from ganbench.core.errors import UsageError, unknown
    from ganbench.core.registry import components

    kinds = [k for k, plural in PLURALS.items() if kind is None or kind in (k, plural)]
    if not kinds:
        raise UsageError(unknown("kind", (kind or "")[:60], PLURALS.values()))
    if markdown:
        from ganbench.cli.catalogue import catalogue

        if kind is not None:
            raise click.UsageError("--markdown prints every kind; leave KIND out")
        click.echo(catalogue(), nl=False)
        return
    if kind is not None:
        _in_full(kinds[0])
        return
    tables = {k: components(k) for k in kinds}
    width = max((len(name) for table in tables.values() for name in table), default=0)
    for k, table in tables.items():
        click.echo(styled(PLURALS[k], bold=True))
        for name, cls in table.items():
            click.echo(f"  {name:<{width}}  {cls.summary()}")
        if not table:
            click.echo("  none")


def _in_full(kind: str) -> None:
    """Print one kind by group, each component with what it declares."""
    from ganbench.cli.catalogue import grouped

    groups = grouped(kind)
    for group, classes in groups.items():
        click.echo(styled(f"{PLURALS[kind]}, {group}" if group else PLURALS[kind], bold=True))
        for cls in classes:
            _entry(cls)
    if not groups:
        click.echo(styled(PLURALS[kind], bold=True) + "\n  none")
    if kind == "trick":
        click.echo(styled("tricks that are settings", bold=True))
        for setting in SETTINGS.values():
            click.echo(f"  {styled(setting.name, bold=True)}  {setting.summary}")
            click.echo(f"    paper:      {setting.source}\n    addresses:  {setting.addresses}")


def _entry(cls: type[Component]) -> None:
    click.echo(f"  {styled(cls.name, bold=True)}  {cls.summary()}")
    for title, text in facts(cls):
        if title != "traits":
            click.echo(f"    {title + ':':<11} {text}")
    if fields := parameters(cls):
        click.echo(f"    parameters: {', '.join(f'{name} = {default}' for name, default, _ in fields)}")
