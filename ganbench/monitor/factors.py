"""Whether one loss is another one times a factor."""

from __future__ import annotations

from collections.abc import Sequence

LOOKS = 5  # with all that a check needs, before it says something
SAME = 2e-3  # relative difference of a loss and what it is computed anew: half precision rounds to 1e-3
VARIED = 0.01  # relative change of a loss over the looks, below which a factor and another loss cannot be told apart


def factor_between(values: Sequence[tuple[float, float]]) -> tuple[float | None, bool]:
    """Return the factor between given numbers and others, None where there is none, and whether these varied enough."""
    if any(abs(other) < 1e-6 for _, other in values):
        return None, True
    ratios = [given / other for given, other in values]
    middle = sorted(ratios)[len(ratios) // 2]
    sizes = [abs(other) for _, other in values]
    varied = max(sizes) - min(sizes) > VARIED * max(sizes)
    return (middle if all(abs(r - middle) <= SAME * abs(middle) for r in ratios) else None), varied
