"""A strength that changes while a trial trains."""

from __future__ import annotations

from math import cos, pi

from ganbench.core.lazy import Tensor, torch


def annealed(start: float, end: float | None, progress: float | Tensor) -> float | Tensor:
    """Return end + (start − end) · ½(1 + cos π·progress): half a cosine from start to end; start where end is None."""
    if end is None:
        return start
    turn = cos(pi * progress) if isinstance(progress, (int, float)) else torch.cos(pi * progress)
    return end + (start - end) * 0.5 * (1.0 + turn)
