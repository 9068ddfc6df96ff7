"""Holm against the textbook and its own procedure; Tarone's count by hand, and the rate that both keep."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.analysis.multiplicity import adjusted, holm, tarone_count
from ganbench.analysis.permutation import permutation_test


def test_holm_by_hand():
    assert holm([0.02, 0.001, 0.04, 0.012]) == pytest.approx([0.04, 0.004, 0.04, 0.036])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
    assert holm([0.01, math.nan])[0] == pytest.approx(0.02)
    assert math.isnan(holm([0.01, math.nan])[1])
    with pytest.raises(ValueError, match="between"):
        holm([1.5])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_the_step_down_procedure(p_values):
    """Adjusted p ≤ α exactly where Holm's procedure at α rejects."""
    alpha = 0.05
    rejected, m = set(), len(p_values)
    for rank, i in enumerate(sorted(range(m), key=p_values.__getitem__)):
        if p_values[i] * (m - rank) > alpha:
            break
        rejected.add(i)
    assert {i for i, p in enumerate(holm(p_values)) if p <= alpha} == rejected


def test_tarones_count_by_hand():
    # Tarone 1990: the least k with at most k tests that reach α/k.
    assert tarone_count([1.0] * 9, 0.05) == 1
    assert tarone_count([0.001] * 3 + [1.0] * 47, 0.05) == 3
    assert tarone_count([0.02] * 4, 0.05) == 3  # at .05/3 none is left; at .05/2 there are four
    assert tarone_count([], 0.05) == 1


@given(st.lists(st.floats(1e-6, 1), min_size=1, max_size=20), st.floats(0.001, 0.5))
def test_tarones_count_is_the_least(smallest, alpha):
    k = tarone_count(smallest, alpha)
    reach = [sum(least < alpha / j for least in smallest) for j in range(1, k + 1)]
    assert reach[-1] <= k and all(count > j for j, count in enumerate(reach[:-1], 1))


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(1e-6, 1)), min_size=1, max_size=12))
def test_tests_that_cannot_reject_do_not_and_take_nothing(pairs):
    alpha = 0.05
    smallest = [least for _, least in pairs]
    p_values = [max(p, least) for p, least in pairs]
    found, k = adjusted(p_values, smallest, alpha)
    counts = [i for i, least in enumerate(smallest) if least < alpha / k]
    assert [found[i] for i in counts] == holm([p_values[i] for i in counts])
    assert all(found[i] >= alpha for i in range(len(pairs)) if i not in counts)
    assert all(now <= before + 1e-12 for now, before in zip(found, holm(p_values), strict=True) if before < alpha)


def test_the_rate_of_any_false_alarm_with_few_distinct_values():
    # 300 suites of 30 columns, 8 against 8 runs that are 1 in 10 %: at α = .1, 30 alarms are expected at most; 52 or
    # more have chance 6e-5. Holm over all 30 gives none, because 4 of 8 against 0 reach p .038 only.
    rng = np.random.default_rng(4)
    alarms = 0
    for _ in range(300):
        tests = [permutation_test(x[:8], x[8:]) for x in (rng.random((30, 16)) < 0.1).astype(float)]
        found, _ = adjusted([test.p for test in tests], [test.smallest for test in tests], 0.1)
        alarms += any(p < 0.1 for p in found)
    assert 1 <= alarms < 52
