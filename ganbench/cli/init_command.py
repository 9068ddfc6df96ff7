"""`ganbench init`: a commented suite to start from."""

from __future__ import annotations

from pathlib import Path

import click

from ganbench.cli.new_command import SKELETONS, write_new
from ganbench.cli.paths import PATH

EPILOG = """\b
Examples:
  ganbench init                     suite.yaml, here
  ganbench init suites/faces.yaml
  ganbench run suite.yaml
"""


@click.command("init", epilog=EPILOG)
@click.argument("file", default="suite.yaml", type=PATH)
def command(file: Path) -> None:
    """Write a small suite with a comment on every key to FILE (suite.yaml); nothing is overwritten."""
    write_new(file, (SKELETONS / "suite.txt").read_text(encoding="utf-8"))
    click.echo(f"{file}: edit it, then `ganbench plan {file}` and `ganbench run {file}`")
