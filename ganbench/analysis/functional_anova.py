"""Functional ANOVA of a regression forest: how much of a function's variance each number explains, exactly.

A tree is constant on boxes, so that its marginals under the uniform measure on the unit cube are sums over its leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ganbench.analysis.statistics import Values

if TYPE_CHECKING:
    from sklearn.tree import DecisionTreeRegressor

TREES = 64
FINE, COARSE = 256, 24  # cells of an axis that a marginal is summed over, alone and in a pair


@dataclass(frozen=True)
class Boxes:
    """A tree's leaves: boxes `[L, d]` from `low` to `high` in the unit cube, with their values `[L]`."""

    low: Values
    high: Values
    values: Values

    @property
    def volumes(self) -> Values:
        """Return each box's volume, `[L]`; they sum to 1."""
        return np.prod(self.high - self.low, axis=1)

    @property
    def mean(self) -> float:
        """Return ∫ f."""
        return float(self.volumes @ self.values)

    @property
    def variance(self) -> float:
        """Return ∫ f² − (∫ f)²."""
        return max(float(self.volumes @ self.values**2) - self.mean**2, 0.0)

    def marginal(self, axes: Sequence[int], points: Values) -> Values:
        """Return f averaged over all other axes, `[k]`, at points `[k, len(axes)]` of these."""
        inside = np.ones((len(points), len(self.values)), dtype=bool)
        share = self.volumes.copy()
        for column, axis in enumerate(axes):
            x = points[:, column : column + 1]
            # A tree sends x ≤ threshold to the left; the left end of the cube belongs to its first box.
            inside &= (x > self.low[:, axis]) | (self.low[:, axis] == 0.0)
            inside &= x <= self.high[:, axis]
            share /= self.high[:, axis] - self.low[:, axis]
        return inside @ (share * self.values)

    def variance_of(self, axes: Sequence[int]) -> float:
        """Return the variance of the marginal over these axes, main effects and interactions among them together."""
        cuts = [np.unique(np.concatenate([self.low[:, a], self.high[:, a]])) for a in axes]
        middles = [(c[1:] + c[:-1]) / 2 for c in cuts]
        points = np.stack([m.ravel() for m in np.meshgrid(*middles, indexing="ij")], axis=1)
        weights = np.ones(1)
        for c in cuts:
            weights = np.outer(weights, np.diff(c)).ravel()
        values = self.marginal(axes, points)
        return max(float(weights @ values**2) - float(weights @ values) ** 2, 0.0)


@dataclass(frozen=True)
class Forest:
    """A forest fitted to points of the unit cube: the mean of its trees.

    Attributes:
        trees: each tree's leaves. variance: of the forest under uniform points, over 4,096 of Sobol's.
        explained: R² on the points that a tree did not see (out of bag).
    """

    trees: list[Boxes]
    variance: float
    explained: float

    def share(self, axes: Sequence[int]) -> float:
        """Return the variance of the marginal over these axes, as a share of all; interactions among them included.

        The marginal of the mean of the trees, whose own shares are smaller where trees differ: each one alone has
        interactions that the function has not.
        """
        cells = (np.arange(FINE if len(axes) == 1 else COARSE) + 0.5) / (FINE if len(axes) == 1 else COARSE)
        points = np.stack([c.ravel() for c in np.meshgrid(*[cells] * len(axes), indexing="ij")], axis=1)
        values = np.mean([tree.marginal(axes, points) for tree in self.trees], axis=0)
        return float(values.var()) / self.variance if self.variance > 0 else 0.0

    def interaction(self, first: int, second: int) -> float:
        """Return the share of variance that two numbers explain together beyond each alone."""
        return max(self.share([first, second]) - self.share([first]) - self.share([second]), 0.0)

    def spread(self, axes: Sequence[int]) -> float:
        """Return how much the trees' own shares of variance differ: their standard deviation."""
        shares = [tree.variance_of(axes) / tree.variance if tree.variance > 0 else 0.0 for tree in self.trees]
        return float(np.std(shares, ddof=1))

    def curve(self, axis: int, points: ArrayLike) -> tuple[Values, Values]:
        """Return the marginal at points `[k]` of one axis: its mean over trees and its spread (SD) between them."""
        x = np.asarray(points, dtype=np.float64)[:, None]
        values = np.stack([tree.marginal([axis], x) for tree in self.trees])
        return values.mean(0), values.std(0, ddof=1)


def fit_forest(points: ArrayLike, values: ArrayLike, seed: int = 0) -> Forest:
    """Return a random forest of the values `[n]` at points `[n, d]` of the unit cube.

    F(x) = Σ_U f_U(x_U), each f_U the marginal over its numbers without what subsets explain; its share is the variance
    of f_U over that of F, under uniform points.

    Args:
        points: in [0, 1].
        values: finite.
        seed: of the forest.

    Source: Hutter, Hoos and Leyton-Brown 2014, An efficient approach for assessing hyperparameter importance, ICML,
        algorithm 2 (there the mean of the trees' shares).
    """
    from scipy.stats import qmc
    from sklearn.ensemble import RandomForestRegressor

    x, y = np.asarray(points, dtype=np.float64), np.asarray(values, dtype=np.float64)
    forest = RandomForestRegressor(
        TREES, min_samples_leaf=2 if len(y) > 8 else 1, random_state=seed, n_jobs=1, oob_score=True
    )
    forest.fit(x, y)
    boxes = [_boxes(tree, x.shape[1]) for tree in forest.estimators_]
    rng = np.random.default_rng(seed)
    cube = qmc.Sobol(x.shape[1], seed=rng)  # pyright: ignore[reportCallIssue] - older scipy's name
    sobol = cube.random_base2(12)
    return Forest(boxes, float(forest.predict(sobol).var()), float(forest.oob_score_))


def _boxes(tree: DecisionTreeRegressor, d: int) -> Boxes:
    """Return a fitted tree's leaves."""
    nodes = tree.tree_
    low, high, values = [], [], []
    stack = [(0, np.zeros(d), np.ones(d))]
    while stack:
        node, a, b = stack.pop()
        left, right = nodes.children_left[node], nodes.children_right[node]
        if left == right:
            low.append(a)
            high.append(b)
            values.append(float(nodes.value[node].ravel()[0]))
            continue
        axis, cut = nodes.feature[node], nodes.threshold[node]
        below, above = b.copy(), a.copy()
        below[axis], above[axis] = cut, cut
        stack += [(left, a, below), (right, above, b)]
    return Boxes(np.array(low), np.array(high), np.array(values))
