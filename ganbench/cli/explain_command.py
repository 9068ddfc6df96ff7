"""`ganbench explain`: one component, one column of the tables, or one verdict, in full."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from ganbench.cli import failures
from ganbench.cli.console import styled
from ganbench.cli.describe import column_text, facts, parameters
from ganbench.cli.options import IMPORTS, explained_names
from ganbench.cli.settings import SETTINGS, settings_named
from ganbench.core.component import Component
from ganbench.core.declaration import columns
from ganbench.core.naming import is_named

EPILOG = """\b
Examples:
  ganbench explain hinge
  ganbench explain WGAN-GP    by the name that a paper gave it, however it is written
  ganbench explain fid        a metric, and the table columns of that name
  ganbench explain ttur       a trick that is a setting of the suite
  ganbench explain "total collapse"   a verdict: how it is found and what to try
  ganbench explain "mode collapse"    a symptom: the verdicts that it may be
"""


@click.command("explain", epilog=EPILOG)
@click.argument("name", shell_complete=explained_names)
@IMPORTS
def command(name: str) -> None:
    """Explain the component, table column, verdict or symptom NAME: formula, source, parameters, what to try."""
    from ganbench.core.errors import UsageError, unknown
    from ganbench.core.registry import PACKAGES, aliases, components

    known = [cls for kind in PACKAGES for cls in components(kind).values()]
    parts = _meant(known, name)
    if not parts:
        names = {*SETTINGS, *failures.names(), *(cls.name for cls in known)}
        near = names | {column.name for cls in known for column in columns(cls)}
        hint = unknown("name", name[:60], near, aliases(known)).split(" (known:")[0]
        raise UsageError(f"{hint}{' ' if hint.endswith('?') else '; '}`ganbench list` shows what there is")
    click.echo("\n\n".join(parts))


def _meant(known: list[type[Component]], name: str) -> list[str]:
    """Return the explanations of all that a name may mean, however it is written."""
    parts = ["\n".join(_component(cls)) for cls in known if is_named(name, cls.name, *cls.aliases)]
    parts += [
        f"column {column.name}, from the {cls.kind} {cls.name}\n  {column_text(column)}"
        for cls in known
        for column in columns(cls)
        if is_named(name, column.name)
    ]
    parts += ["\n".join(setting.lines()) for setting in settings_named(name)]
    return parts + ["\n".join(failures.lines(verdict)) for verdict in failures.of_symptom(name)]


def _component(cls: type[Component]) -> Iterator[str]:
    """Yield the lines that explain a component."""
    from ganbench.cli.snippet import snippet

    group = f"{cls.group} " if cls.group else ""
    yield f"{styled(cls.name, bold=True)} ({group}{cls.kind}, version {cls.version})"
    for line in inspect.cleandoc(cls.__doc__ or "").split("\n"):
        yield f"  {line}".rstrip()
    for title, text in facts(cls):
        yield f"{title}: {text}"
    if fields := parameters(cls):
        yield "parameters:"
        for name, default, kind in fields:
            yield f"  {name} = {default}  ({kind})"
    if filled := columns(cls):
        yield "columns:"
        for column in filled:
            yield f"  {column.name}: {column_text(column)}"
    if text := snippet(cls):
        yield "example suite:"
        for line in text.split("\n"):
            yield f"  {line}"
