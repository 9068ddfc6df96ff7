"""Trials told apart: against all relabelings by hand, scipy's Welch interval, and how often a false one is told."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from ganbench.analysis.separation import against, ranks, welch_interval


def test_the_interval_is_scipys():
    rng = np.random.default_rng(0)
    a, b = rng.normal(1, 2, 7), rng.normal(0, 1, 9)
    ends = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    assert (welch_interval(a, b).low, welch_interval(a, b).high) == pytest.approx((ends.low, ends.high))


def test_p_is_not_below_the_share_of_all_relabelings_counted_by_hand():
    rng = np.random.default_rng(1)
    a, b = rng.normal(2, 1, 5), rng.normal(0, 1, 5)
    (one,) = against({"plain": b, "other": a}, "plain", "higher")
    pool = np.concatenate([a, b])

    def t(first: np.ndarray, second: np.ndarray) -> float:
        spread = np.sqrt(first.var(ddof=1) / len(first) + second.var(ddof=1) / len(second))
        return float((first.mean() - second.mean()) / spread)

    hits = 0
    for chosen in itertools.combinations(range(10), 5):
        mask = np.isin(np.arange(10), chosen)
        hits += t(pool[mask], pool[~mask]) >= t(a, b) - 1e-9
    counted = 2 * hits / 252
    welch = float(np.asarray(stats.ttest_ind(a, b, equal_var=False))[1])
    assert one.p == pytest.approx(max(counted, welch))
    assert one.better is (one.p < 0.05)


def test_lower_is_better_where_the_column_says_so():
    values = {"plain": np.arange(8.0), "less": np.arange(8.0) - 30, "more": np.arange(8.0) + 30}
    told = {one.trial: one.better for one in against(values, "plain", "lower")}
    assert told == {"less": True, "more": False}
    assert ranks(values, "lower") == {"plain": 2, "less": 1, "more": 3}


def test_trials_that_are_alike_share_rank_one_in_nineteen_of_twenty_families():
    """Six equal trials of eight seeds: at most 5 % of families may tell any two apart; 200 families.

    With a true rate of 5 % more than 19 of 200 have a chance of 0.3 %.
    """
    rng = np.random.default_rng(2)
    false = 0
    for _ in range(200):
        values = {str(i): rng.normal(size=8) for i in range(6)}
        false += set(ranks(values, "higher").values()) != {1}
    assert false <= 19


def test_constant_sides_have_no_interval_and_are_told_apart_where_they_differ():
    values = {"plain": np.full(8, 3.0), "same": np.full(8, 3.0), "full": np.full(8, 8.0)}
    told = {one.trial: one for one in against(values, "plain", "higher")}
    assert np.isnan(told["full"].interval.low)
    assert told["full"].better is True
    assert told["same"].better is None


@pytest.mark.parametrize("power", [1023, -1000])
def test_the_largest_and_the_smallest_floats_are_told_apart_as_others_are(power):
    values = {"plain": np.arange(8.0) / 8, "less": np.arange(8.0) / 8 - 1, "near": np.arange(8.0) / 8 + 0.125}
    scaled = {name: np.ldexp(each, power) for name, each in values.items()}
    for usual, far in zip(against(values, "plain", "higher"), against(scaled, "plain", "higher"), strict=True):
        assert (far.p, far.p_holm, far.better) == (usual.p, usual.p_holm, usual.better)
        assert far.difference == np.ldexp(usual.difference, power)
        assert np.ldexp([far.interval.low, far.interval.high], -power) == pytest.approx(
            [usual.interval.low, usual.interval.high]
        )
    assert ranks(scaled, "higher") == ranks(values, "higher") == {"plain": 1, "less": 3, "near": 1}
