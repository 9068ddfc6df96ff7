"""The budget curve against every subset, one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ganbench.analysis.budget import budget_curve, budget_interval, budget_of, median_best, settings_needed
from tests.helpers.varied import FID, varied_of

VALUES = np.random.default_rng(3).normal(size=9)


@pytest.mark.parametrize("k", range(1, 10))
def test_the_expected_best_is_the_mean_over_all_subsets(k):
    subsets = list(itertools.combinations(VALUES, k))
    assert budget_curve(VALUES)[k - 1] == pytest.approx(np.mean([max(s) for s in subsets]))
    assert budget_curve(VALUES, "lower")[k - 1] == pytest.approx(np.mean([min(s) for s in subsets]))


def test_it_is_unbiased():
    """The best of 4 of U(0, 1) is 4/5 on average; 20,000 samples of 8 tell 0.8 from 0.795 (six standard errors)."""
    rng = np.random.default_rng(0)
    estimates = np.array([budget_curve(rng.random(8))[3] for _ in range(20_000)])
    assert abs(estimates.mean() - 0.8) < 4 * estimates.std() / np.sqrt(len(estimates))
    assert 4 * estimates.std() / np.sqrt(len(estimates)) < 0.005


@pytest.mark.parametrize("k", range(1, 10))
def test_the_median_best_is_that_of_all_subsets(k):
    best = sorted(max(subset) for subset in itertools.combinations(VALUES, k))
    assert median_best(VALUES, k) == best[(len(best) - 1) // 2]
    assert median_best(-VALUES, k, "lower") == -median_best(VALUES, k)


def test_the_interval_of_a_budget_of_one_is_that_of_the_median():
    """Of nine the 2nd and 8th hold the median with 1 − 2 P(Bin(9, ½) ≤ 1) = 0.961, the 3rd and 7th with 0.82."""
    interval = budget_interval(VALUES, 1)
    assert (interval.low, interval.high) == (np.sort(VALUES)[1], np.sort(VALUES)[7])


def test_the_interval_is_mirrored_where_less_is_better():
    up, down = budget_interval(VALUES, 2), budget_interval(-VALUES, 2, "lower")
    assert (down.low, down.high) == pytest.approx((-up.high, -up.low), nan_ok=True)


def test_a_large_budget_has_no_better_end():
    """The best of 16 lies below the median best of k with the chance ½^(16/k): 0.025 at k = 3.005."""
    values = np.arange(16.0)
    assert [bool(np.isfinite(budget_interval(values, k).high)) for k in (1, 2, 3, 4, 8)] == [True] * 3 + [False] * 2
    assert all(np.isfinite(budget_interval(values, k).low) for k in range(1, 17))


def test_the_table_has_a_row_per_method_and_budget():
    values = {"a": np.arange(8.0).reshape(4, 2), "b": np.full((4, 2), 5.0)}
    table = budget_of(varied_of(values, FID))
    mine = table[table["method"] == "a"]
    assert list(mine["k"]) == [1, 2, 3, 4]
    assert list(mine["value"])[-1] == 0.5  # the best setting's mean over seeds
    assert set(table.loc[table["method"] == "b", "value"]) == {5.0}


def test_the_budget_that_is_needed():
    assert settings_needed([0.0, 9.4, 9.6, 10.0]) == 3
    assert settings_needed([4.0, 4.0, 4.0]) == 1
