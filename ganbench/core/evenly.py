"""A few of many, evenly spread; many in parts of about equal size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def spread_out(count: int, most: int) -> list[int]:
    """Return at most so many of the places 0 … count − 1, evenly spread, with the first and the last among them.

    Example:
        >>> spread_out(10, 4)
        [0, 3, 6, 9]
        >>> spread_out(2, 4)
        [0, 1]
    """
    kept = min(most, count)
    return sorted({round(i * (count - 1) / max(kept - 1, 1)) for i in range(kept)})


def in_parts(items: Sequence[T], most: int) -> list[Sequence[T]]:
    """Return the items in order, in as few parts of at most so many as hold them, of about equal size.

    Example:
        >>> in_parts("abcde", 2)
        ['a', 'bc', 'de']
    """
    number = math.ceil(len(items) / most)
    return [items[i * len(items) // number : (i + 1) * len(items) // number] for i in range(number)]
