"""`ganbench list`: what suites can name."""

from __future__ import annotations

import click

from ganbench.cli.console import styled

EPILOG = """\b
Examples:
  ganbench list            everything
  ganbench list losses     one kind (the singular works too)
"""
PLURALS = {
    "dataset": "datasets",
    "network": "networks",
    "loss": "losses",
    "trick": "tricks",
    "optimizer": "optimizers",
    "metric": "metrics",
    "diagnostic": "diagnostics",
    "feature": "features",
}


@click.command("list", epilog=EPILOG)
@click.argument("kind", required=False)
def command(kind: str | None) -> None:
    """List the components of KIND, or of every kind, with what they are."""
    from ganbench.core.errors import UsageError, unknown
    from ganbench.core.registry import components

    kinds = [k for k, plural in PLURALS.items() if kind is None or kind in (k, plural)]
    if not kinds:
        raise UsageError(unknown("kind", (kind or "")[:60], PLURALS.values()))
    tables = {k: components(k) for k in kinds}
    width = max((len(name) for table in tables.values() for name in table), default=0)
    for k, table in tables.items():
        click.echo(styled(PLURALS[k], bold=True))
        for name, cls in table.items():
            click.echo(f"  {name:<{width}}  {cls.summary()}")
        if not table:
            click.echo("  none")
