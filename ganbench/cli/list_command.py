"""`ganbench list`: what suites can name, and the verdicts that runs can have."""

from __future__ import annotations

import json
import shutil
import textwrap

import click

from ganbench.cli import failures
from ganbench.cli.console import styled
from ganbench.cli.describe import PLURALS, facts, parameters
from ganbench.cli.options import IMPORTS, kind_names
from ganbench.cli.settings import SETTINGS, Setting, settings_named
from ganbench.core.component import Component
from ganbench.core.declaration import columns

WIDTH = 100  # of a pipe; a terminal has its own
VERDICTS = "verdicts"
_SETTINGS = "tricks that are settings"
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
    settings: list[Setting] = []
    words = kind if kind is not None and not kinds and not verdicts else None
    if words is not None:
        chosen, settings, verdicts = _search(words)
    if form == "json":
        data = {PLURALS[k]: [_data(cls) for cls in classes] for k, classes in chosen.items()}
        data |= {VERDICTS: [verdict._asdict() for verdict in verdicts]} if verdicts else {}
        click.echo(json.dumps(data, indent=2, ensure_ascii=False))
    elif kind is not None and kinds:
        _in_full(kinds[0])
    else:
        sections = {PLURALS[k]: [(cls.name, _summary(cls)) for cls in classes] for k, classes in chosen.items()}
        sections |= {_SETTINGS: [(s.name, s.summary) for s in settings]} if settings else {}
        sections |= {VERDICTS: [(v.name, v.summary) for v in verdicts]} if verdicts else {}
        _in_short(sections)


def _search(words: str) -> tuple[dict[str, list[type[Component]]], list[Setting], list[failures.Verdict]]:
    """Return the components, settings and verdicts that words mean.

    Raises:
        UsageError: there are none.
    """
    from ganbench.core.errors import UsageError, unknown
    from ganbench.core.naming import is_named
    from ganbench.core.registry import components

    verdicts, settings = failures.of_symptom(words), settings_named(words)
    named = (words, *(verdict.name for verdict in verdicts))

    def is_meant(cls: type[Component]) -> bool:
        named_so = any(_spaced(words) in _spaced(text) for text in (cls.name, *cls.aliases, cls.summary()))
        claimed = any(_spaced(name) in _spaced(cls.addresses) for name in named)
        return named_so or claimed or is_named(words, cls.name, *cls.aliases)

    chosen = {k: classes for k in PLURALS if (classes := list(filter(is_meant, components(k).values())))}
    if not chosen and not settings and not verdicts:
        raise UsageError(unknown("kind", words[:60], [*PLURALS.values(), VERDICTS]))
    return chosen, settings, verdicts


def _spaced(text: str) -> str:
    return text.lower().replace("-", " ").replace("_", " ")


def _summary(cls: type[Component]) -> str:
    return f"{cls.summary()} ({', '.join(cls.aliases)})" if cls.aliases else cls.summary()


def _in_short(sections: dict[str, list[tuple[str, str]]]) -> None:
    """Print names and one-line texts, folded where they are wider than the terminal."""
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
        click.echo(styled(_SETTINGS, bold=True))
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
