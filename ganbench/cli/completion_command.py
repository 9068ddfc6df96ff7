"""`ganbench completion`: the script that makes a shell complete what is typed."""

from __future__ import annotations

import click

EPILOG = """\b
Examples, each for good:
  ganbench completion bash >> ~/.bashrc
  ganbench completion zsh >> ~/.zshrc
  ganbench completion fish > ~/.config/fish/completions/ganbench.fish
"""


@click.command("completion", epilog=EPILOG)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the script for SHELL; it completes commands, options, suites, kinds and names of components."""
    from click.shell_completion import get_completion_class

    from ganbench.cli.main import COMPLETE, cli

    cls = get_completion_class(shell)
    assert cls is not None  # the three are click's own
    # Not `source()`: it runs bash to ask for its version, and there may be no bash here.
    completion = cls(cli, {}, "ganbench", COMPLETE)
    click.echo(completion.source_template % completion.source_vars())
