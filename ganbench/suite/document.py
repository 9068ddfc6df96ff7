"""Plain data that knows where it was written, and how errors call what it holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Keys = tuple[str | int, ...]


@dataclass
class Document:
    """A YAML mapping with the place of everything in it.

    Attributes:
        source: what errors call it: a path, or the option that the text came from.
        data: dictionaries, lists, texts, numbers, booleans and None.
        places: line and column, both from 1, of every value by its path. key_places: the same of every key.
        sources: what to call values that came from elsewhere, such as `--set steps=500`.
    """

    source: str
    data: dict[str, Any] = field(default_factory=dict)
    places: dict[Keys, tuple[int, int]] = field(default_factory=dict)
    key_places: dict[Keys, tuple[int, int]] = field(default_factory=dict)
    sources: dict[Keys, str] = field(default_factory=dict)

    def place(self, path: Keys = (), *, key: bool = False) -> str:
        """Return `suites/x.yaml:12:5` of a value (or of its key), or of the nearest value around it."""
        for end in range(len(path) + 1):
            if path[:end] in self.sources:
                return self.sources[path[:end]]
        for end in range(len(path), -1, -1):
            at = (self.key_places if key and end == len(path) else self.places).get(path[:end])
            at = at or self.places.get(path[:end])
            if at:
                return f"{self.source}:{at[0]}:{at[1]}"
        return f"{self.source}:1:1"


def describe(value: object) -> str:
    """Return a short description of a value for an error: "the text 'no'", "a list"."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, str):
        return f"the text {shorten(value)!r}"
    if isinstance(value, (list, tuple)):
        return "a list"
    return "a mapping" if isinstance(value, dict) else f"{value!r}"


def shorten(text: str, limit: int = 60) -> str:
    """Return at most `limit` characters of a text."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
