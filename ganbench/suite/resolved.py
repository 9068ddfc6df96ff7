"""Reads the `suite.yaml` of a run again, for whoever shows what it says: anybody may have written it."""

from __future__ import annotations

import yaml

from ganbench.suite.yaml import MAX_BYTES, MAX_DEPTH, MAX_NODES

LONGER = 4  # times what a suite may be: a resolved one says every default
LARGEST = 2**64  # seeds are smaller, and a number of thousands of digits cannot be printed


def keys_of(text: str) -> dict[str, object]:
    """Return a suite's keys; none of a text that is no suite, or holds more than one can."""
    if len(text) > LONGER * MAX_BYTES:
        return {}
    try:
        read = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError):
        return {}  # dates that are none, among others, are no errors of YAML
    return {str(key): value for key, value in read.items()} if isinstance(read, dict) and _bounded(read) else {}


def _bounded(root: object) -> bool:
    """Say whether a value is as small and as plain as a suite's: one that aliases hold may be larger than memory."""
    left, waiting = LONGER * MAX_NODES, [(root, 0)]
    while waiting:
        value, depth = waiting.pop()
        below = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
        left -= len(below)
        if left < 0 or depth > MAX_DEPTH or (isinstance(value, int) and abs(value) >= LARGEST):
            return False
        waiting += [(one, depth + 1) for one in below]
    return True
