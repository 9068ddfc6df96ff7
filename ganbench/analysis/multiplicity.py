"""Several tests at once: the chance of any false one, and which tests have to count in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> list[float]:
    """Return Holm's adjusted p values, in the order given: p̃_(i) = max_{j ≤ i} min(1, (m − j + 1) p_(j)).

    Below α all at once they hold with at most the chance α of a single false one, however the tests depend on each
    other. An undefined test (NaN) stays so and counts in m.

    Raises:
        ValueError: a p value outside [0, 1].

    Source: Holm 1979, Scandinavian Journal of Statistics 6.

    Example:
        >>> [round(p, 3) for p in holm([0.001, 0.012, 0.02, 0.04])]
        [0.004, 0.036, 0.04, 0.04]
    """
    p = np.asarray(p_values, dtype=np.float64)
    if ((p < 0) | (p > 1)).any():
        raise ValueError("a p value lies between 0 and 1")
    order = np.argsort(p)  # NaN last
    steps = np.minimum(1.0, p[order] * (len(p) - np.arange(len(p))))
    adjusted = np.empty(len(p))
    adjusted[order] = np.where(np.isnan(steps), np.nan, np.maximum.accumulate(np.nan_to_num(steps)))
    return [float(x) for x in adjusted]


def tarone_count(smallest: Sequence[float], alpha: float) -> int:
    """Return Tarone's K, the least k ≥ 1 with at most k tests that can reach p < α/k.

    Of exact tests with few distinct values (a column that is constant; modes of eight seeds) many can reach no small p,
    whatever their labels are. They cannot be false alarms and take no share of α.

    Args:
        smallest: of each test the smallest p that its values can have, whatever their labels.
        alpha: chance of any false alarm, in (0, 1).

    Source: Tarone 1990, Biometrics 46(2), 515.

    Example:
        >>> tarone_count([1.0] * 48 + [0.0001] * 2, 0.01)
        2
    """
    least = np.sort(np.asarray(smallest, dtype=np.float64))
    k = 1
    while int(np.searchsorted(least, alpha / k, side="left")) > k:
        k += 1
    return k


def adjusted(p_values: Sequence[float], smallest: Sequence[float], alpha: float) -> tuple[list[float], int]:
    """Return Holm's adjusted p values over the tests that can reach p < α/K, and Tarone's K.

    Which tests those are depends on their values alone and not on which side a value is from. The others get
    min(1, K p), which is never below α.

    Args:
        p_values: in [0, 1].
        smallest: see `tarone_count`.
        alpha: chance of any false alarm.

    Source: Tarone 1990, Biometrics 46(2), 515; Hommel & Krummenauer 1998, Biometrical Journal 40(6), 673, step down.

    Example:
        >>> adjusted([0.004, 1.0, 1.0], [0.0001, 1.0, 1.0], 0.01)
        ([0.004, 1.0, 1.0], 1)
    """
    k = tarone_count(smallest, alpha)
    counts = [least < alpha / k for least in smallest]
    within = iter(holm([p for p, one in zip(p_values, counts, strict=True) if one]))
    return [next(within) if one else min(1.0, k * p) for p, one in zip(p_values, counts, strict=True)], k
