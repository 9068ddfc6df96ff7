"""A few of many, evenly spread."""

from __future__ import annotations


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
