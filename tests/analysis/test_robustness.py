"""Shares and means over settings, against formulas written out and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ganbench.analysis.robustness import robustness_of, share_over_settings
from tests.helpers.varied import FID, varied_of


def test_runs_drawn_one_by_one_get_wilsons_interval():
    """Where a setting has one seed, the effective number is n − 1 (s² = p(1 − p) n/(n − 1)), corrected by (z/t)²."""
    shares = np.array([1, 0, 1, 1, 0, 1, 1, 0, 1, 1], dtype=float)
    interval = share_over_settings(shares, 1)
    n = 9 * (stats.norm.ppf(0.975) / stats.t.ppf(0.975, 9)) ** 2
    p, z = 0.7, stats.norm.ppf(0.975)

    def distance(share):  # Wilson's ends are where the score test is just significant
        return (p - share) ** 2 * n / (share * (1 - share)) - z**2

    assert distance(interval.low) == pytest.approx(0, abs=1e-9)
    assert distance(interval.high) == pytest.approx(0, abs=1e-9)
    assert interval.low < p < interval.high


def test_all_or_none_counts_settings_and_not_runs():
    low = share_over_settings([1.0] * 16, 4)
    assert low.high == 1.0
    assert low.low == pytest.approx(stats.binomtest(16, 16).proportion_ci(method="wilson").low)
    none = share_over_settings([0.0] * 16, 4)
    assert (none.low, none.high) == (0.0, pytest.approx(1 - low.low))


def test_seeds_that_agree_within_a_setting_count_once():
    apart = share_over_settings([0.5] * 16, 4)
    together = share_over_settings([0.0, 1.0] * 8, 4)
    assert together.high - together.low > 1.5 * (apart.high - apart.low)


def test_fewer_than_two_settings_have_no_interval():
    assert not share_over_settings([1.0], 4)


def test_the_table_is_of_means_over_settings_of_means_over_seeds():
    rng = np.random.default_rng(0)
    values = {"a": rng.uniform(0, 4, (6, 3)), "b": rng.uniform(5, 8, (6, 3))}
    table = robustness_of(varied_of(values))
    assert list(table["method"]) == ["b", "a"]
    for row in table.to_dict("records"):
        mine = values[row["method"]]
        assert row["modes"] == pytest.approx(mine.mean())
        low, high = stats.t.interval(0.95, 5, mine.mean(), stats.sem(mine.mean(1)))
        assert (row["modes_low"], row["modes_high"]) == (pytest.approx(low), pytest.approx(high))
        assert row["healthy"] == pytest.approx((mine >= 6).mean())
        assert (row["settings"], row["runs"]) == (6, 18)


def test_where_less_is_better_the_least_comes_first():
    equal_health = {"a": np.full((4, 2), 3.0), "b": np.full((4, 2), 2.0)}
    assert list(robustness_of(varied_of(equal_health, FID))["method"]) == ["b", "a"]
