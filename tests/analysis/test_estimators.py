"""Averages against scipy's, and the rule for runs without a value."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ganbench.analysis.statistics import iqm, mean, median, scored, sd, worst

samples = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40)


@given(samples)
def test_averages_agree_with_scipy(values):
    assert iqm(values) == pytest.approx(stats.trim_mean(values, 0.25), rel=1e-12, abs=1e-9)
    assert mean(values) == pytest.approx(math.fsum(values) / len(values), rel=1e-9, abs=1e-9)
    assert median(values) == np.median(values)
    if len(values) > 1:
        assert sd(values) == pytest.approx(statistics.stdev(values), rel=1e-12, abs=1e-9)


@given(samples, st.randoms(use_true_random=False))
def test_the_order_of_seeds_changes_no_bit(values, random):
    shuffled = list(values)
    random.shuffle(shuffled)
    assert (mean(values), iqm(values), median(values)) == (mean(shuffled), iqm(shuffled), median(shuffled))


def test_the_iqm_does_not_see_a_quarter_that_collapsed():
    assert iqm([8, 8, 8, 8, 8, 8, 0, 0]) == iqm([8] * 8) == 8
    assert mean([8, 8, 8, 8, 8, 8, 0, 0]) == 6


@pytest.mark.parametrize("average", [mean, iqm, median, sd])
def test_nothing_and_nan_have_no_average(average):
    assert math.isnan(average([]))
    assert math.isnan(average([1.0, math.nan, 2.0, 3.0, 4.0]))
    assert math.isnan(sd([1.0]))


def test_the_worst_follows_the_direction():
    values = [3.0, math.nan, 1.0, math.inf]
    assert worst(values, "higher") == 0.0  # no samples, nothing captured: not the 1 of the worst that has samples
    assert worst([-3.0, 1.0], "higher") == -3.0
    assert worst(values, "lower") == 3.0
    assert math.isnan(worst(values, ""))
    assert math.isnan(worst([math.nan], "lower"))


def test_a_run_without_a_value_counts_as_the_worst_and_is_not_dropped():
    assert scored([0.1, math.nan, math.inf], 9.0).tolist() == [0.1, 9.0, 9.0]
    assert scored([0.1, math.nan], math.nan).tolist() == [0.1]  # neither direction is better: n shows the gap


@given(samples, st.sampled_from(["higher", "lower"]), st.integers(1, 5))
def test_divergence_never_improves_an_average(values, direction, diverged):
    fill = worst(values, direction)
    full = mean(scored([*values, *[math.nan] * diverged], fill))
    slack = 1e-9 * (1 + abs(full))
    assert full <= mean(values) + slack if direction == "higher" else full >= mean(values) - slack


def test_no_finite_values_have_an_infinite_median():
    assert median([1.7e308, 1.7e308]) == 1.7e308
    assert median([1.0, 2.0, 4.0, 8.0]) == 3.0
