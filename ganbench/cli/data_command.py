"""`ganbench data`: files that do not come with the package, data sets and the weights of extractors."""

from __future__ import annotations

import click

from ganbench.cli.console import table

EPILOG = """\b
Examples:
  ganbench data list
  ganbench data get mnist
  ganbench data get inception      weights, for FID of images with `extractor: inception`
\b
Data sets lie in $GANBENCH_DATA, or in the user's cache folder.
"""
DEBUG = click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")


def _downloads(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return for completion what can be downloaded."""
    from ganbench.datasets import _download as datasets
    from ganbench.extractors import _download as extractors

    return sorted(
        name for name in (*datasets.downloadable(), *extractors.downloadable()) if name.startswith(incomplete)
    )


@click.group("data", epilog=EPILOG)
def command() -> None:
    """Download data sets and weights of extractors; list the data sets that are here. Nothing else uses the network."""


@command.command("get")
@click.argument("names", nargs=-1, required=True, shell_complete=_downloads)
@DEBUG
def get(names: tuple[str, ...]) -> None:
    """Download data sets and weights.

    Data sets go into the data folder, weights into that of torch hub.
    """
    from ganbench.core.errors import UsageError, unknown
    from ganbench.datasets import _download as datasets
    from ganbench.extractors import _download as extractors

    sets, weights = datasets.downloadable(), extractors.downloadable()
    for name in names:
        if name not in sets and name not in weights:
            raise UsageError(unknown("download", name[:60], [*sets, *weights]))
    for name in names:
        click.echo(f"{name}: {f'in {datasets.download(name)}' if name in sets else extractors.download(name)}")


@command.command("list")
@DEBUG
def list_() -> None:
    """List the data sets that need files.

    Says whether these are here, and how to get them.
    """
    from ganbench.assets.data_folder import data_folder
    from ganbench.core.errors import UsageError
    from ganbench.datasets._download import downloadable

    rows = []
    for name, dataset in downloadable().items():
        try:
            dataset.require_files()
            rows.append((name, "here", ""))
        except UsageError:
            rows.append((name, "missing", f"ganbench data get {name}"))
    table(("data set", "files", "get it"), rows)
    click.echo(f"in {data_folder()}")
