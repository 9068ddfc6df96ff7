"""A strength that changes while a trial trains."""

from __future__ import annotations

from math import cos, pi


def annealed(start: float, end: float | None, progress: float) -> float:
    """Return end + (start − end) · ½(1 + cos π·progress): half a cosine from start to end; start where end is None."""
    if end is None:
        return start
    return end + (start - end) * 0.5 * (1.0 + cos(pi * progress))
