"""`--set key.key=value`: changes to a suite that the command line makes before the suite is checked."""

from __future__ import annotations

import re

from ganbench.core.errors import UsageError
from ganbench.suite.yaml import Document, Keys, read_value, shorten

MOST_KEYS = 16


def override(document: Document, text: str) -> None:
    """Put `key.key=value` into a document, and into those `include` blocks that set the same key.

    The value is read as strictly as the file is. A number in the key is a place in a list, from 0.

    Raises:
        UsageError: the text is no override, or the document has no such place.
    """
    name, equals, written = text.partition("=")
    source = f"--set {shorten(text)}"
    if not equals or not name.strip():
        raise UsageError(f"{source}: not an override; write it as key=value, for example --set steps=500")
    keys: Keys = tuple(int(part) if re.fullmatch("[0-9]{1,5}", part) else part for part in name.strip().split("."))
    if len(keys) > MOST_KEYS:
        raise UsageError(f"{source}: {len(keys)} keys deep; no place of a suite lies deeper than {MOST_KEYS}")
    value = read_value(written, source)
    include = document.data.get("include")
    blocks = include if isinstance(include, list) else []
    also = [("include", i, *keys) for i, block in enumerate(blocks) if isinstance(block, dict) and keys[0] in block]
    for path in (keys, *also):
        _put(document.data, path, value, source)
        document.sources[path] = source


def _put(data: object, path: Keys, value: object, source: str) -> None:
    """Set what lies at a path, making the mappings on the way."""
    for i, key in enumerate(path):
        last = i == len(path) - 1
        if isinstance(data, dict):
            if data.get(str(key)) is None or last:
                data[str(key)] = value if last else {}
            data = data[str(key)]
        elif isinstance(data, list) and isinstance(key, int) and key < len(data):
            if last:
                data[key] = value
            data = data[key]
        else:
            where = ".".join(map(str, path[: i + 1]))
            raise UsageError(
                f"{source}: the suite has no place {shorten(where)!r}; write the value around it as a whole"
            )
