"""`ganbench list`: what suites can name, and the verdicts that runs can have."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Iterable

import click

from ganbench.cli import failures
from ganbench.cli.console import styled
from ganbench.cli.describe import PLURALS, facts, parameters
from ganbench.cli.options import IMPORTS, kind_names
from ganbench.cli.settings import SETTINGS
from ganbench.core.component import Component
from ganbench.core.declaration import columns

WIDTH = 100  # of a pipe; a terminal has its own
VERDICTS = "verdicts"
EPILOG = """\b
Examples:
  ganbench list                  everything, in short
  ganbench list losses           one kind with papers and parameters (the singular works too)
  ganbench list verdicts         what can go wrong with a run
  ganbench list "mode collapse"  what has these words in its name, claim or first line
  ganbench list --json           for tools
  ganbench list --markdown > docs/catalogue.md
"""


@click.command("list", epilog=EPILOG)
@click.argument("kind", required=False, metavar="[KIND or WORDS]", shell_complete=kind_names)
@IMPORTS
@click.option("--markdown", "form", flag_value="markdown", help="Print the whole catalogue as Markdown.")
@click.option("--json", "form", flag_value="json", help="Print names, parameters, papers and claims as JSON.")
def command(kind: str | None, form: str | None) -> None:
    """List the components of KIND with papers, parameters and claims; without KIND, all in one line each."""
    from ganbench.core.registry import components

    kinds = [k for k, plural in PLURALS.items() if kind is None or kind in (k, plural)]
    if form == "markdown":
        from ganbench.cli.catalogue import catalogue

        if kind is not None:
            raise click.UsageError("--markdown prints every kind; leave KIND out")
        click.echo(catalogue(), nl=False)
        return
    verdicts = failures.verdicts() if kind in (None, VERDICTS, "verdict") else []
    chosen = {k: list(components(k).values()) for k in kinds}
    words = kind if kind is not None and not kinds and not verdicts else None
    if words is not None:
        chosen, verdicts = _search(words)
    if form == "json":
        data = {PLURALS[k]: [_data(cls) for cls in classes] for k, classes in chosen.items()}
        data |= {VERDICTS: [verdict._asdict() for verdict in verdicts]} if verdicts else {}
        click.echo(json.dumps(data, indent=2, ensure_ascii=False))
    elif kind is not None and kinds:
        _in_full(kinds[0])
    else:
        _in_short(
            {PLURALS[k]: [(cls.name, _summary(cls)) for cls in classes] for k, classes in chosen.items()}, verdicts
        )


def _search(words: str) -> tuple[dict[str, list[type[Component]]], list[failures.Verdict]]:
    """Return the components and verdicts that words mean.

    Raises:
        UsageError: there are none.
    """
    from ganbench.core.errors import UsageError, unknown
    from ganbench.core.registry import components

    def fits(*texts: str) -> bool:
        return any(_plain(words) in _plain(text) for text in texts)

    verdicts = failures.of_symptom(words)
    named = (words, *(verdict.name for verdict in verdicts))

    def is_meant(cls: type[Component]) -> bool:
        return fits(cls.name, *cls.aliases, cls.summary()) or any(_plain(n) in _plain(cls.addresses) for n in named)

    chosen = {k: classes for k in PLURALS if (classes := list(filter(is_meant, components(k).values())))}
    if not chosen and not verdicts:
        raise UsageError(unknown("kind", words[:60], [*PLURALS.values(), VERDICTS]))
    return chosen, verdicts


def _plain(text: str) -> str:
    return text.lower().replace("-", " ").replace("_", " ")


def _summary(cls: type[Component]) -> str:
    return f"{cls.summary()} ({', '.join(cls.aliases)})" if cls.aliases else cls.summary()


def _in_short(sections: dict[str, list[tuple[str, str]]], verdicts: Iterable[failures.Verdict]) -> None:
    """Print names and one-line texts, folded where they are wider than the terminal."""
    if told := [(verdict.name, verdict.summary) for verdict in verdicts]:
        sections = {**sections, VERDICTS: told}
    width = max((len(name) for entries in sections.values() for name, _ in entries), default=0)
    for title, entries in sections.items():
        click.echo(styled(title, bold=True))
        for name, text in entries:
            _fold(f"  {name:<{width}}  {text}", width + 4)
        if not entries:
            click.echo("  none")


def _data(cls: type[Component]) -> dict[str, object]:
    """Return what `explain` says of a component as JSON can hold it."""
    return {
        "name": cls.name,
        "aliases": list(cls.aliases),
        "summary": cls.summary(),
        "group": cls.group,
        "version": cls.version,
        "paper": cls.source,
        "addresses": cls.addresses,
        "traits": list(cls.traits),
        "not_with": dict(cls.conflicts),
        "needs": dict(cls.requires),
        "parameters": [{"name": name, "default": default, "type": kind} for name, default, kind in parameters(cls)],
        "columns": [
            {"name": c.name, "meaning": c.meaning, "unit": c.unit, "direction": c.direction} for c in columns(cls)
        ],
    }


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
            _fold(f"  {styled(setting.name, bold=True)}  {setting.summary}")
            _fold(f"    paper:      {setting.source}")
            _fold(f"    addresses:  {setting.addresses}")


def _entry(cls: type[Component]) -> None:
    _fold(f"  {styled(cls.name, bold=True)}  {cls.summary()}")
    for title, text in facts(cls):
        if title != "traits":
            _fold(f"    {title + ':':<11} {text}")
    if fields := parameters(cls):
        _fold(f"    parameters: {', '.join(f'{name} = {default}' for name, default, _ in fields)}")


def _fold(text: str, indent: int = 16) -> None:
    """Print a text, in lines that are no wider than the terminal."""
    most = max(60, shutil.get_terminal_size((WIDTH, 24)).columns)
    behind = " " * indent
    click.echo(textwrap.fill(text, most, subsequent_indent=behind, break_on_hyphens=False, break_long_words=False))
