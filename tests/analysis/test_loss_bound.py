"""The largest loss that is not ruled out: its promise by exact enumeration, and its limits by scipy."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ganbench.analysis.loss_bound import evidence, largest_loss

ALPHA = 0.05


def outcomes(points, shares, n):
    """Yield (chance, values) of every sample of n runs at these points, without regard to their order."""
    for counts in itertools.product(range(n + 1), repeat=len(points)):
        if sum(counts) == n:
            yield stats.multinomial.pmf(counts, n, shares), np.repeat(points, counts)


@pytest.mark.parametrize("n", [1, 3, 6])
@pytest.mark.parametrize("perfect", [True, False])
def test_it_covers_what_it_says_with_failures_of_any_rate(n, perfect):
    """Exact, by summing over all outcomes: no simulation. A run of either side is 8 or fails with 0."""
    bounds = {
        (i, j): largest_loss([8.0] * (n - i) + [0.0] * i, [8.0] * (n - j) + [0.0] * j, 0, 8, ALPHA)
        for i in range(n + 1)
        for j in range(n + 1)
    }
    for before, now in itertools.product([0.0] if perfect else [0.05, 0.3, 0.8], np.linspace(0, 1, 11)):
        chances = (stats.binom.pmf(np.arange(n + 1), n, rate) for rate in (before, now))
        mass = np.outer(*chances)
        true = 8 * (now - before)
        assert sum(mass[i, j] for (i, j), bound in bounds.items() if bound >= true - 1e-9) >= 1 - ALPHA - 1e-12


@pytest.mark.parametrize(("first", "second"), [((0.1, 0.0, 0.9), (0.3, 0.4, 0.3)), ((0.0, 0.5, 0.5), (0.2, 0.1, 0.7))])
def test_it_covers_what_it_says_with_three_values_and_sides_of_different_sizes(first, second):
    points = np.array([0.0, 0.8, 1.0])
    true = points @ first - points @ second
    covered = sum(
        p * q
        for p, x in outcomes(points, first, 5)
        for q, y in outcomes(points, second, 7)
        if largest_loss(x, y, 0, 1, ALPHA) >= true - 1e-9
    )
    assert covered >= 1 - ALPHA - 1e-12


@pytest.mark.parametrize(("before", "now"), [(0.1, 0.4), (0.5, 0.5), (0.0, 0.2), (0.3, 1.0)])
def test_bets_do_not_pay_on_average_where_the_loss_is_there(before, now):
    """What makes it valid: E e ≤ 1 at the true loss (Markov then gives P(e ≥ 1/α) ≤ α)."""
    n, m, points = 4, 6, np.array([0.0, 1.0])
    sides = ((n, before), (m, now))
    (first, second) = (list(outcomes(points, (rate, 1 - rate), size)) for size, rate in sides)
    average = sum(p * q * evidence(x, y, now - before, 0, 1) for p, x in first for q, y in second if p * q > 0)
    assert average <= 1 + 1e-9


@pytest.mark.parametrize("n", [8, 16, 64])
def test_where_nothing_varies_it_is_near_clopper_and_pearson(n):
    # No failure in n runs. Other data take about half of alpha; the grid adds .001.
    exact, half = (stats.binomtest(0, n).proportion_ci(1 - 2 * a, "exact").high for a in (0.01, 0.0045))
    found = largest_loss([1.0] * n, [1.0] * n, 0, 1, 0.01)
    assert exact < found < half + 0.002


@pytest.mark.parametrize("spread", [0.02, 0.1])
def test_it_narrows_with_the_spread_and_the_runs(spread):
    rng = np.random.default_rng(6)
    sides = [np.clip(rng.normal(0.6, spread, (2, n)), 0, 1) for n in (8, 32, 128)]
    bounds = [largest_loss(first, second, 0, 1, 0.01) for first, second in sides]
    assert bounds[0] > bounds[1] > bounds[2] and bounds[2] < 0.07


values = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@given(values, values, st.floats(-0.5, 1.0))
def test_the_bound_is_where_the_evidence_suffices(first, second, loss):
    bound = largest_loss(first, second, 0, 1, 0.01)
    assert bound >= np.mean(first) - np.mean(second) - 1e-9
    if loss > bound + 0.002:
        assert evidence(first, second, loss, 0, 1) >= 100
    if loss < bound - 0.002:
        assert evidence(first, second, loss, 0, 1) < 100


def test_units_and_the_order_of_runs_do_not_matter():
    x, y = [3.0, 7.0, 8.0, 8.0], [8.0, 6.0, 0.0, 8.0, 5.0]
    bound = largest_loss(x, y, 0, 8, 0.01)
    assert largest_loss(x[::-1], sorted(y), 0, 8, 0.01) == pytest.approx(bound)
    assert largest_loss(np.divide(x, 80), np.divide(y, 80), 0, 0.1, 0.01) == pytest.approx(bound / 80)
    assert largest_loss(np.add(x, 5), np.add(y, 5), 5, 13, 0.01) == pytest.approx(bound)


@pytest.mark.parametrize(
    ("x", "low", "high"), [([], 0, 1), ([2.0], 0, 1), ([math.nan], 0, 1), ([0.5], 1, 0), ([1.0], 1, 1)]
)
def test_nonsense_is_refused(x, low, high):
    with pytest.raises(ValueError, match="range|values from"):
        largest_loss(x, [0.5], low, high, 0.01)
