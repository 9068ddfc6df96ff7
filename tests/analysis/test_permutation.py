"""The permutation test against listing, scipy and its own promise; Holm against the textbook."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ganbench.analysis.permutation import permutation_test
from ganbench.analysis.statistics import holm

whole = st.lists(st.integers(-3, 8), min_size=1, max_size=6)
real = st.lists(st.integers(-40, 40).map(lambda n: n / 7), min_size=1, max_size=5)


def slow(first, second):
    """Return p, and the smallest p of any labelling, in exact fractions."""
    pool = [Fraction(x) for x in (*first, *second)]
    sums = [sum(pool[i] for i in chosen) for chosen in itertools.combinations(range(len(pool)), len(first))]
    observed = sum(pool[: len(first)])
    return tuple(sum(s >= bound for s in sums) / len(sums) for bound in (observed, max(sums)))


@given(whole, whole)
def test_counting_is_listing(first, second):
    found = permutation_test(first, second)
    assert found.method == "counted"
    assert (found.p, found.smallest) == pytest.approx(slow(first, second), rel=1e-14)


@given(real, real)
def test_listing_is_listing_in_exact_fractions(first, second):
    # Sevenths are no floats: sums in another order differ in their last bits, and such ties must count.
    sevenths = [[Fraction(round(7 * x), 7) for x in arm] for arm in (first, second)]
    assert permutation_test([*first, 0.5], [*second, 0.25]).method == "listed"
    found = permutation_test(first, second)
    assert (found.p, found.smallest) == pytest.approx(slow(*sevenths), rel=1e-14)


def test_it_is_scipys():
    rng = np.random.default_rng(3)
    a, b = rng.normal(0.5, 1, 7), rng.normal(0, 1, 8)
    theirs = stats.permutation_test(
        (a, b), lambda x, y: x.mean() - y.mean(), n_resamples=2**31, alternative="greater", vectorized=False
    )
    assert permutation_test(a, b).p == pytest.approx(theirs.pvalue, rel=1e-12)


def test_monte_carlo_is_near_the_exact_one():
    # The same whole numbers moved by a half, and there are C(32, 16) relabelings: drawn. 4.4 sd of 99,999 is left by
    # chance in 1 of 100,000 seeds; this one was not chosen.
    rng = np.random.default_rng(0)
    a, b = rng.integers(2, 8, 16), rng.integers(1, 8, 16)
    exact, drawn = permutation_test(a, b), permutation_test(a + 0.5, b + 0.5)
    assert (exact.method, drawn.method) == ("counted", "drawn 99,999")
    assert abs(exact.p - drawn.p) < 4.4 * math.sqrt(exact.p * (1 - exact.p) / 99_999) + 1e-5
    assert drawn == permutation_test(a + 0.5, b + 0.5)


def test_monte_carlo_never_says_zero():
    a, b = np.arange(20) + 100.5, np.arange(20) + 0.5
    found = permutation_test(a, b, draws=999)
    assert (found.p, found.smallest) == (0.001, 0.001)


@pytest.mark.parametrize(("n", "smallest"), [(3, 1 / 20), (5, 1 / 252), (16, 1 / 601080390)])
def test_the_smallest_p_that_so_many_runs_can_have(n, smallest):
    # 5 + 5: .0040 one-sided, so α = .01 takes five an arm; 3 + 3 can never say yes.
    found = permutation_test(range(n, 2 * n), range(n))
    assert found.p == found.smallest == pytest.approx(smallest)
    assert found.can_reach(0.01) == (n > 3)


def test_equal_runs_say_nothing():
    found = permutation_test([8] * 9, [8] * 9)
    assert (found.p, found.smallest, found.difference) == (1.0, 1.0, 0.0)
    assert not found.can_reach(0.05)


def test_counts_beyond_64_bits():
    found = permutation_test([1] * 50, [0] * 50)
    assert found.p == pytest.approx(1 / math.comb(100, 50), rel=1e-12)


@pytest.mark.parametrize(("first", "second"), [([], [1.0]), ([1.0], []), ([1.0, math.nan], [1.0]), ([1.0], [math.inf])])
def test_undefined_says_why(first, second):
    found = permutation_test(first, second)
    assert found.undefined and math.isnan(found.p)
    assert not found.can_reach(1.0), "undefined never passes"


def test_no_draws_is_an_error():
    with pytest.raises(ValueError, match="draw"):
        permutation_test([1.0], [0.0], draws=0)


def test_false_alarms_are_as_rare_as_said():
    # 1,500 tests of equal arms at α = .05: exact tests reject at most so often. 3.9 sd above it is left by chance in
    # fewer than 1 of 10,000 runs.
    rng = np.random.default_rng(1)
    draws = rng.integers(0, 9, (1500, 2, 8))
    rejected = np.mean([permutation_test(a, b).p <= 0.05 for a, b in draws])
    assert 0.02 < rejected < 0.05 + 3.9 * math.sqrt(0.05 * 0.95 / 1500)


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
