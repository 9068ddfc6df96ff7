"""Several tests at once: what their p values are worth together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> list[float]:
    """Return Holm's adjusted p values, in the order given: p̃_(i) = max_{j ≤ i} min(1, (m − j + 1) p_(j)).

    Below α all at once they hold with at most the chance α of a single false one, however the tests depend on each
    other. (.001, .012, .02, .04) → (.004, .036, .04, .04). An undefined test (NaN) stays so and counts in m.

    Raises:
        ValueError: a p value outside [0, 1].

    Source: Holm 1979, Scandinavian Journal of Statistics 6.
    """
    p = np.asarray(p_values, dtype=np.float64)
    if ((p < 0) | (p > 1)).any():
        raise ValueError("a p value lies between 0 and 1")
    order = np.argsort(p)  # NaN last
    scaled = np.minimum(1.0, p[order] * (len(p) - np.arange(len(p))))
    adjusted = np.empty(len(p))
    adjusted[order] = np.where(np.isnan(scaled), np.nan, np.maximum.accumulate(np.nan_to_num(scaled)))
    return [float(x) for x in adjusted]
