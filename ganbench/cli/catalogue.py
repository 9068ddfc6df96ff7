"""The catalogue: what `ganbench explain` prints of every component of the package, as one Markdown page."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from ganbench.cli.describe import PLURALS, column_text, facts, parameters
from ganbench.cli.settings import SETTINGS
from ganbench.cli.snippet import snippet
from ganbench.core import registry
from ganbench.core.component import Component
from ganbench.core.declaration import columns

INTRODUCTION = """\
# Catalogue

Every component that a suite can name, as `ganbench list` and `ganbench explain NAME` print it. Made by
`ganbench list --markdown > docs/catalogue.md`; a test holds that it is current."""


def grouped(kind: str) -> dict[str, list[type[Component]]]:
    """Return a kind's components by group, in alphabetical order."""
    classes = list(registry.components(kind).values())
    return {group: [c for c in classes if c.group == group] for group in sorted({c.group for c in classes})}


def catalogue() -> str:
    """Return the page, without components that other packages bring."""
    return "\n".join(_page()) + "\n"


def _page() -> Iterator[str]:
    yield INTRODUCTION
    for kind, plural in PLURALS.items():
        yield f"\n## {plural.capitalize()}"
        for group, classes in grouped(kind).items():
            shipped = [cls for cls in classes if cls.__module__.startswith("ganbench.")]
            if group and shipped:
                yield f"\n**{group}**"
            for cls in shipped:
                yield from _entry(cls)
        if kind == "trick":
            yield "\n## Tricks that are settings"
            for setting in SETTINGS.values():
                yield f"\n### {setting.name}\n\n{setting.summary}\n"
                yield f"- paper: {setting.source}\n- addresses: {setting.addresses}\n\n```yaml\n{setting.example}\n```"


def _entry(cls: type[Component]) -> Iterator[str]:
    yield f"\n### {cls.name}\n"
    yield inspect.cleandoc(cls.__doc__ or "")
    yield ""
    for title, text in facts(cls):
        yield f"- {title}: {text}"
    for name, default, kind in parameters(cls):
        yield f"- `{name}: {default}` ({kind})"
    for column in columns(cls):
        yield f"- column `{column.name}`: {column_text(column)}"
    if text := snippet(cls):
        yield f"\n```yaml\n{text}\n```"
