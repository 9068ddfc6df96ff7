"""The permutation tests against listing, scipy and their own promise."""

from __future__ import annotations

import itertools
import math
import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ganbench.analysis.permutation import paired_test, permutation_test

whole = st.lists(st.integers(-3, 8), min_size=1, max_size=6)
real = st.lists(st.integers(-40, 40).map(lambda n: n / 7), min_size=1, max_size=5)


def signed_square(first, second):
    """Return t² with t's sign in exact fractions, (order, value): order −1 and 1 where nothing varies within sides."""
    n, m = len(first), len(second)
    a, b = (sum(side, Fraction(0)) / len(side) for side in (first, second))
    gap = a - b
    if min(n, m) < 2:
        return (0, gap)
    spread = sum(((x - a) ** 2 for x in first), Fraction(0)) / (n * (n - 1))
    spread += sum(((y - b) ** 2 for y in second), Fraction(0)) / (m * (m - 1))
    if not spread:
        return ((gap > 0) - (gap < 0), Fraction(0))
    return (0, gap * abs(gap) / spread)


def slow(first, second):
    """Return p, and the smallest p of any labelling, by listing all of them in exact fractions."""
    pool = [Fraction(x) for x in (*first, *second)]
    places = set(range(len(pool)))
    found = [
        signed_square([pool[i] for i in chosen], [pool[i] for i in sorted(places - set(chosen))])
        for chosen in itertools.combinations(range(len(pool)), len(first))
    ]
    observed = signed_square(pool[: len(first)], pool[len(first) :])
    p, smallest = (sum(t >= bound for t in found) / len(found) for bound in (observed, max(found)))
    return max(p, welch(first, second)), smallest


def welch(first, second):
    """Return scipy's p, or 0 where the test is not defined."""
    first, second = ([float(x) for x in side] for side in (first, second))
    if min(len(first), len(second)) < 2 or not np.var(first) + np.var(second) > 0:
        return 0.0
    with warnings.catch_warnings(action="ignore"):  # of a side that does not vary
        return float(np.asarray(stats.ttest_ind(first, second, equal_var=False, alternative="greater"))[1])


@settings(deadline=None)
@given(whole, whole)
def test_counting_is_listing(first, second):
    found = permutation_test(first, second)
    assert found.method == "counted"
    assert (found.p, found.smallest) == pytest.approx(slow(first, second), rel=1e-12)


@settings(deadline=None)
@given(real, real)
def test_counting_is_listing_in_exact_fractions(first, second):
    # Sevenths are no floats: sums in another order differ in their last bits, and such ties must count.
    sevenths = [[Fraction(round(7 * x), 7) for x in arm] for arm in (first, second)]
    found = permutation_test(first, second)
    assert (found.p, found.smallest) == pytest.approx(slow(*sevenths), rel=1e-12)


@pytest.mark.parametrize("digits", range(1, 16))
@pytest.mark.parametrize("second", [(1, 1, 1), (1, 1, 1, 1, 1), (1, 0, 2), (9, 9, 9, 9, 8)])
def test_sides_that_hardly_spread_are_counted_like_others(digits, second):
    """Their variance is a difference of large sums; the observed labelling counts however that is rounded.

    Values that differ by less than a billionth of all spread are equal, which makes p larger at most.
    """
    first = [9 + Fraction(n, 10**digits) for n in (1, 0, 2)]
    found = permutation_test([float(x) for x in first], second)
    assert found.p >= 1 / found.relabelings
    if digits < 9:
        assert found.p == pytest.approx(slow(first, [Fraction(x) for x in second])[0], rel=1e-6)


@given(st.lists(st.tuples(st.integers(-3, 8), st.integers(-3, 8)), min_size=1, max_size=9))
def test_pairs_are_flipped(pairs):
    first, second = zip(*pairs, strict=True)
    gaps = [a - b for a, b in pairs]
    sums = [
        sum(s * g for s, g in zip(signs, gaps, strict=True)) for signs in itertools.product((1, -1), repeat=len(gaps))
    ]
    found = paired_test(first, second)
    shares = (sum(s >= bound for s in sums) / len(sums) for bound in (sum(gaps), max(sums)))
    assert (found.p, found.smallest) == pytest.approx(tuple(shares), rel=1e-12)
    assert found.difference == pytest.approx(sum(gaps) / len(gaps))


def test_both_are_scipys():
    def studentised(x, y, axis):
        return stats.ttest_ind(x, y, equal_var=False, axis=axis)[0]

    rng = np.random.default_rng(3)
    a, b = rng.normal(0.5, 1, 7), rng.normal(0, 2, 8)
    options = {"n_resamples": np.inf, "alternative": "greater", "vectorized": True}
    theirs = stats.permutation_test((a, b), studentised, **options)
    assert permutation_test(a, b).p == pytest.approx(max(theirs.pvalue, welch(a, b)), rel=1e-12)
    pairs = stats.permutation_test(
        (a, b[:7]), lambda x, y, axis: (x - y).mean(axis=axis), permutation_type="samples", **options
    )
    assert paired_test(a, b[:7]).p == pytest.approx(pairs.pvalue, rel=1e-12)


@pytest.mark.parametrize(("n", "m", "first", "second"), [(32, 8, 0.2, 1.0), (8, 32, 1.0, 0.2), (16, 16, 0.2, 1.0)])
def test_equal_means_are_no_alarm_where_spreads_differ(n, m, first, second):
    # 400 draws at α = .05 of normal runs, for which Welch's t is within a tenth of its level: at 5.5 %, 41 alarms or
    # more have chance 1e-4. The difference of the means by itself gives 130 and more in the first two cases.
    rng = np.random.default_rng(8)
    alarms = sum(
        permutation_test(rng.normal(0, first, n), rng.normal(0, second, m), draws=999).p <= 0.05 for _ in range(400)
    )
    assert alarms < 41


@pytest.mark.parametrize("correlation", [-0.9, -0.5, 0.5])
def test_pairs_hold_their_level_however_they_depend(correlation):
    # 1,500 draws at α = .05; 4 sd above it is left by chance in fewer than 1 of 10,000 runs. As independent sides,
    # correlation −.9 gives 11 %.
    rng = np.random.default_rng(2)
    x, z = rng.normal(size=(2, 1500, 12))
    y = correlation * x + math.sqrt(1 - correlation**2) * z
    rejected = np.mean([paired_test(a, b).p <= 0.05 for a, b in zip(x, y, strict=True)])
    assert 0.025 < rejected < 0.05 + 4 * math.sqrt(0.05 * 0.95 / 1500)


@pytest.mark.parametrize("unit", [1e-200, 1e200, 1e307])
def test_units_do_not_matter(unit):
    a, b = [1.0, 2.0, 4.0, 4.5, 3.0], [1.5, 0.5, 3.0, 1.0, 2.5]
    for test in (permutation_test, paired_test):
        assert test(np.multiply(a, unit), np.multiply(b, unit)).p == pytest.approx(test(a, b).p, rel=1e-12)


def test_monte_carlo_is_near_the_exact_one():
    # The same whole numbers, moved a little each, and there are C(32, 16) relabelings: drawn. .005 is more than 4.4 sd
    # of 99,999 draws below p = .15, which is left by chance in 1 of 100,000 seeds; this one was not chosen.
    rng = np.random.default_rng(0)
    a, b = rng.integers(2, 8, 16), rng.integers(1, 8, 16)
    near = rng.normal(0, 1e-7, (2, 16))  # no value twice
    exact, drawn = permutation_test(a, b), permutation_test(a + near[0], b + near[1])
    assert (exact.method, drawn.method) == ("counted", "drawn 99,999")
    # Ties of the whole numbers count in full on one side and break either way on the other.
    below = permutation_test(b, a)
    ties = exact.p + below.p - 1
    assert exact.p - ties - 0.005 < drawn.p < exact.p + 0.005
    assert drawn == permutation_test(a + near[0], b + near[1])


def test_monte_carlo_never_says_zero():
    a, b = np.arange(20) + 100.5, np.arange(20) + 0.5
    found = permutation_test(a, b, draws=999)
    assert (found.p, found.smallest) == (0.001, 0.001)


@pytest.mark.parametrize(("n", "smallest"), [(3, 1 / 20), (5, 1 / 252), (10, 1 / 184756), (16, 1e-5)])
def test_the_smallest_p_that_so_many_runs_can_have(n, smallest):
    # 5 + 5: .0040 one-sided, so α = .01 takes five an arm; 3 + 3 can never say yes.
    found = permutation_test(range(n, 2 * n), range(n))
    assert found.p == found.smallest == pytest.approx(smallest)
    assert (found.smallest < 0.01) == (n > 3)


def test_equal_runs_say_nothing():
    found = permutation_test([8] * 9, [8] * 9)
    assert (found.p, found.smallest, found.difference) == (1.0, 1.0, 0.0)
    assert not found.smallest < 0.05


def test_counts_beyond_64_bits():
    found = permutation_test([1] * 50, [0] * 50)
    assert found.p == pytest.approx(1 / math.comb(100, 50), rel=1e-12)


@pytest.mark.parametrize(("first", "second"), [([], [1.0]), ([1.0], []), ([1.0, math.nan], [1.0]), ([1.0], [math.inf])])
def test_undefined_says_why(first, second):
    found = permutation_test(first, second)
    assert found.undefined and math.isnan(found.p)
    assert not found.smallest < 1.0, "undefined never passes"


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
