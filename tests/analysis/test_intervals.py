"""Intervals against their definitions, against published numbers, and against what they promise: coverage."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from ganbench.analysis.statistics import clopper_pearson, median_interval, t_interval, wilson


@pytest.mark.parametrize("n", [2, 3, 5, 8, 16])
def test_the_t_interval_covers_what_it_says(n):
    # 4,000 intervals at exactly 95 %: the count is binomial, and ±3.9 sd (1.34 %) is left by chance in 1 of 10,000 runs
    # of one n, so in 1 of 2,000 runs of all five.
    draws = np.random.default_rng(n).normal(3.0, 2.0, (4000, n))
    covered = np.mean([interval.low <= 3.0 <= interval.high for interval in map(t_interval, draws)])
    assert abs(covered - 0.95) < 3.9 * math.sqrt(0.95 * 0.05 / 4000)


def test_a_percentile_bootstrap_would_not(n=5):
    # The reason why there is none here: about 84 % at five seeds. 1,500 intervals have a standard error of 1 %.
    rng = np.random.default_rng(n)
    draws = rng.normal(size=(1500, n))
    means = draws[np.arange(1500)[:, None, None], rng.integers(0, n, (1500, 400, n))].mean(-1)
    low, high = np.percentile(means, [2.5, 97.5], axis=1)
    assert np.mean((low <= 0) & (high >= 0)) < 0.9


# Two-sided 95 % and 99 % points of Student's t (Fisher & Yates, Statistical Tables, table III), by degrees of freedom.
T_TABLE = {1: (12.706, 63.657), 2: (4.303, 9.925), 4: (2.776, 4.604), 7: (2.365, 3.499), 15: (2.131, 2.947)}


@pytest.mark.parametrize("freedom", T_TABLE)
def test_the_t_interval_is_that_of_the_tables(freedom):
    values = [0.0, *range(1, freedom + 1)]
    middle, error = statistics.fmean(values), statistics.stdev(values) / math.sqrt(len(values))
    for level, quantile in zip((0.95, 0.99), T_TABLE[freedom], strict=True):
        found = t_interval(values, level)
        assert found and (found.low + found.high) / 2 == pytest.approx(middle)
        assert (found.high - middle) / error == pytest.approx(quantile, abs=6e-4)


def student(t: float, freedom: float) -> float:
    """Return P(|T| ≤ t) by integrating the density over its angle, t = √ν tan θ, by Simpson's rule."""
    angles = np.linspace(0, math.atan(t / math.sqrt(freedom)), 2001)
    heights = np.cos(angles) ** (freedom - 1)
    weights = np.r_[1, np.tile([4, 2], 999), 4, 1] * (angles[1] / 3)
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(math.pi)
    return float(2 * scale * (weights @ heights))


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=30), st.floats(0.5, 0.999))
def test_the_t_interval_holds_its_share_of_students_distribution(values, level):
    found = t_interval(values, level)
    error = statistics.stdev(values) / math.sqrt(len(values))
    assert found and (found.low + found.high) / 2 == pytest.approx(statistics.fmean(values), rel=1e-9, abs=1e-9)
    if error > 1e-6:
        assert student((found.high - found.low) / 2 / error, len(values) - 1) == pytest.approx(level, abs=1e-8)


@pytest.mark.parametrize("n", [5, 8, 16])
def test_the_median_interval_covers_what_it_says_where_the_values_are_skewed(n):
    # 20,000 intervals of the median of exp(2 N): five values have exactly 93.75 %, the interpolated ones about 95 %.
    # The standard error is .17 %, so that 93.75 % falls below 93.1 % in fewer than 1 of 10,000 runs.
    draws = np.exp(2 * np.random.default_rng(n).normal(size=(20_000, n)))
    covered = np.mean([found.low <= 1.0 <= found.high for found in map(median_interval, draws)])
    assert 0.931 <= covered <= 0.97


@given(st.lists(st.floats(-1e3, 1e3), min_size=6, max_size=40))
@example([0.0, 0.0, 0.0, 0.0, 435.9383059401426, 435.9383059401426])
def test_the_median_interval_lies_between_those_of_two_neighbouring_order_statistics(values):
    """The oracle is scipy's test of a quantile: its interval is the narrowest of whole ranks that still covers 95 %."""
    wide = stats.quantile_test(values, q=np.median(values), p=0.5).confidence_interval(0.95)
    found, x = median_interval(values), np.sort(values)
    rank = int(np.searchsorted(np.cumsum(stats.binom.pmf(np.arange(len(x)), len(x), 0.5)), 0.025, side="right"))
    assert (wide.low, wide.high) == (x[rank - 1], x[len(x) - rank])
    assert wide.low <= found.low <= x[rank] and x[len(x) - rank - 1] <= found.high <= wide.high
    assert found.low <= np.median(values) <= found.high


def test_the_median_interval_of_five_values_is_their_range_and_says_its_level():
    found = median_interval([3.0, 1.0, 9.0, 4.0, 2.0])
    assert (found.low, found.high, found.level) == (1.0, 9.0, 0.9375)
    assert not median_interval([1.0, 2.0, 3.0, 4.0]) and median_interval([1.0, 2.0, 3.0, 4.0], 0.8)
    assert "not finite" in median_interval([1.0, 2.0, 3.0, 4.0, math.nan]).undefined


def test_the_median_interval_follows_the_interpolation_of_hettmansperger_and_sheather():
    """By hand at n = 10: ranks 2 and 3 cover .978516 and .890625, so I = .3245 and λ = 8 I / (2 + 6 I) = .6577."""
    found = median_interval(np.arange(1.0, 11.0))
    assert (found.low, found.high) == pytest.approx((2.6577, 8.3423), abs=1e-4)
    mirrored = median_interval(-np.arange(1.0, 11.0))
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low))


def test_where_there_is_no_interval_there_is_a_reason():
    for values, reason in (([], "0 values"), ([1.0], "1 value,"), ([1.0, math.nan], "not finite")):
        found = t_interval(values)
        assert not found and reason in found.undefined
        assert math.isnan(found.low) and math.isnan(found.high)
    assert not wilson(0, 0) and not clopper_pearson(0, 0)
    assert wilson(0, 0).undefined == "no runs"


def test_equal_values_have_an_interval_without_width():
    found = t_interval([8.0] * 4)
    assert found and (found.low, found.high) == (8.0, 8.0)


def rounded(interval) -> tuple[float, float]:
    return round(interval.low, 4), round(interval.high, 4)


def test_published_shares():
    assert (wilson(0, 8).low, round(wilson(0, 8).high, 3)) == (0.0, 0.324)
    assert (clopper_pearson(0, 8).low, round(clopper_pearson(0, 8).high, 3)) == (0.0, 0.369)
    # Newcombe 1998, Statistics in Medicine 17, 857, table I.
    for k, n, score, exact in (
        (81, 263, (0.2553, 0.3662), (0.2527, 0.3676)),
        (15, 148, (0.0624, 0.1605), (0.0578, 0.1617)),
        (0, 20, (0.0, 0.1611), (0.0, 0.1684)),
        (1, 29, (0.0061, 0.1718), (0.0009, 0.1776)),
    ):
        assert rounded(wilson(k, n)) == score and rounded(clopper_pearson(k, n)) == exact


shares = st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(shares, st.floats(0.5, 0.999))
def test_shares_keep_their_definitions_and_mirror(share, level):
    """Wilson's ends are z of their own standard errors from the share; those of the exact one cut off equal tails."""
    k, n = share
    z = statistics.NormalDist().inv_cdf(0.5 + level / 2)
    score, exact = wilson(k, n, level), clopper_pearson(k, n, level)
    for end in {score.low, score.high} - {0.0, 1.0}:
        assert abs(k / n - end) == pytest.approx(z * math.sqrt(end * (1 - end) / n), abs=1e-9)
    if k > 0:
        assert tail(range(k, n + 1), n, exact.low) == pytest.approx((1 - level) / 2, abs=1e-9)
    if k < n:
        assert tail(range(k + 1), n, exact.high) == pytest.approx((1 - level) / 2, abs=1e-9)
    for found, mirrored in ((score, wilson(n - k, n, level)), (exact, clopper_pearson(n - k, n, level))):
        assert 0 <= found.low <= k / n <= found.high <= 1
        assert (found.low == 0) == (k == 0) and (found.high == 1) == (k == n)
        assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx((found.low, found.high), abs=1e-9)


def tail(hits: range, n: int, share: float) -> float:
    """Return the chance that a binomial count is one of these, term by term."""
    return math.fsum(math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in hits)


@pytest.mark.parametrize("n", [3, 8, 16])
def test_clopper_pearson_never_covers_less_than_it_says(n):
    """Exact, by summing the binomial over all outcomes: no simulation."""
    intervals = [clopper_pearson(k, n) for k in range(n + 1)]
    for share in np.linspace(0.001, 0.999, 199):
        mass = stats.binom.pmf(np.arange(n + 1), n, share)
        assert sum(m for m, i in zip(mass, intervals, strict=True) if i.low <= share <= i.high) >= 0.95 - 1e-12


@pytest.mark.parametrize(
    "call", [lambda: wilson(3, 2), lambda: clopper_pearson(-1, 2), lambda: t_interval([1, 2], 1.0)]
)
def test_nonsense_is_refused(call):
    with pytest.raises(ValueError):
        call()
