"""Functional ANOVA on functions whose shares are known, and its exact integrals against sums over a grid."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import qmc
from sklearn.ensemble import RandomForestRegressor

from ganbench.analysis.functional_anova import _boxes, fit_forest
from ganbench.analysis.sensitivity import NumberAxis
from ganbench.core.column import Column


def points(n, d):
    return qmc.Sobol(d, scramble=True, rng=np.random.default_rng(0)).random_base2(int(np.log2(n)))


def test_a_trees_integrals_are_those_of_a_fine_grid():
    """The cuts are moved onto a grid of 1/64, on whose cells the tree is constant: the sums are exact."""
    x = np.floor(points(64, 2) * 32) / 32 + 1 / 64
    y = x[:, 0] + 3 * x[:, 0] * x[:, 1]
    tree = RandomForestRegressor(1, random_state=0).fit(x, y).estimators_[0]
    boxes = _boxes(tree, 2)
    cells = (np.arange(64) + 0.5) / 64
    grid = np.array(list(itertools.product(cells, cells)))
    values = tree.predict(grid).reshape(64, 64)
    assert boxes.volumes.sum() == pytest.approx(1)
    assert boxes.mean == pytest.approx(values.mean())
    assert boxes.variance == pytest.approx(values.var())
    assert boxes.marginal([0], cells[:, None]) == pytest.approx(values.mean(1))
    assert boxes.variance_of([1]) == pytest.approx(values.mean(0).var())
    assert boxes.variance_of([0, 1]) == pytest.approx(values.var())


def test_shares_of_a_sum_are_its_variances():
    """f = x₁ + 2x₂, x₃ idle: shares 0.2, 0.8 and 0; a forest of 512 points is within 0.06."""
    x = points(512, 3)
    forest = fit_forest(x, x[:, 0] + 2 * x[:, 1])
    assert [forest.share([i]) for i in range(3)] == pytest.approx([0.2, 0.8, 0.0], abs=0.02)
    assert forest.explained > 0.9


def test_shares_of_ishigami():
    """S₁ 0.3139, S₂ 0.4424, S₁₃ 0.2437, all others 0 (Ishigami and Homma 1990, a = 7, b = 0.1); within 0.06."""
    u = points(1024, 3)
    x = np.pi * (2 * u - 1)
    forest = fit_forest(u, np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0]))
    assert [forest.share([i]) for i in range(3)] == pytest.approx([0.3139, 0.4424, 0.0], abs=0.06)
    pairs = {pair: forest.interaction(*pair) for pair in itertools.combinations(range(3), 2)}
    assert pairs[0, 2] == pytest.approx(0.2437, abs=0.06)
    assert max(pairs[0, 1], pairs[1, 2]) < 0.06


def test_the_curve_follows_the_function():
    x = points(512, 2)
    values, spread = fit_forest(x, np.square(x[:, 0]) + x[:, 1]).curve(0, [0.1, 0.5, 0.9])
    assert values == pytest.approx([0.51, 0.75, 1.31], abs=0.08)
    assert (spread > 0).all()


def test_noise_is_said_to_explain_nothing():
    noise = np.random.default_rng(1).normal(size=64)
    assert fit_forest(points(64, 3), noise).explained < 0.2


def test_axes_know_levels_and_logarithms():
    choices = NumberAxis.of(pd.Series([1, 5, 2, 1, 5, 2, 5, 1, 2], name="n"), Column("n", ""))
    assert choices is not None
    assert choices.levels == (1, 2, 5)
    assert choices.unit(pd.Series([1, 2, 5])) == pytest.approx([1 / 6, 3 / 6, 5 / 6])
    rates = pd.Series(np.geomspace(1e-4, 1e-2, 9), name="lr")
    axis = NumberAxis.of(rates, Column("lr", "", scale="log"))
    assert axis is not None
    assert axis.unit(rates) == pytest.approx(np.linspace(0, 1, 9))
    assert axis.points()[1][0] == pytest.approx(1e-4)
    assert NumberAxis.of(pd.Series([3.0] * 5, name="x"), Column("x", "")) is None
