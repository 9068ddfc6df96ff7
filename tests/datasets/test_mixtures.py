"""Mixtures have the modes, the spread and the quality that their formulas say."""

from __future__ import annotations

import math

import pytest
import scipy.stats
import torch

from ganbench.datasets import _mixture
from ganbench.datasets._mixture import Mixture
from ganbench.datasets.gaussian_1d import Gaussian1D
from ganbench.datasets.grid import Grid
from ganbench.datasets.ring import Ring

CPU = torch.device("cpu")
MIXTURES = [Ring(), Ring(count=3, radius=2, sigma=0.02), Grid(), Grid(scaled=True), Gaussian1D(), Ring(scaled=True)]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(params=MIXTURES, ids=lambda d: d.label)
def mixture(request):
    return request.param


def test_ring_modes_lie_on_the_circle():
    centres = Ring(count=8, radius=2.0).load(CPU).centres
    assert torch.allclose(centres.norm(dim=1), torch.full((8,), 2.0))
    steps = (centres - centres.roll(1, 0)).norm(dim=1)
    assert torch.allclose(steps, torch.full((8,), 4 * math.sin(math.pi / 8)))  # eight apart, not seven


def test_grid_modes_are_the_papers():
    centres = {tuple(c) for c in Grid().load(CPU).centres.tolist()}
    assert centres == {(float(x), float(y)) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)}


@pytest.mark.parametrize(
    "dataset", [Grid(scaled=True), Ring(scaled=True, radius=3.0, sigma=0.3)], ids=lambda d: d.label
)
def test_scaled_data_have_unit_variance(dataset):
    data = dataset.load(CPU)
    exact = data.sigma**2 + data.centres.double().var(dim=0, correction=0)
    assert torch.allclose(exact, torch.ones(2, dtype=torch.float64), rtol=1e-6)
    # The variance of 100,000 points has a relative deviation below √(2/n) = .0045, as both mixtures are flatter than a
    # Gaussian: false alarms at 5 deviations, two axes, below 2e-6.
    drawn = data.sample_indices(generator(), 100_000)
    assert drawn.var(dim=0).tolist() == pytest.approx([1.0, 1.0], abs=0.0225)


def test_draws_fill_every_mode_alike(mixture):
    data = mixture.load(CPU)
    points = data.gather(data.sample_indices(generator(), 20_000))
    assert points.shape == (20_000, *mixture.shape)
    mode, good = data.assign(points, None)
    counts = mode.bincount(minlength=mixture.modes)
    # χ² test of equal weights and an exact test of the high-quality share: false alarms 1e-6 each.
    assert scipy.stats.chisquare(counts).pvalue > 1e-6
    assert scipy.stats.binomtest(int(good.sum()), len(good), -math.expm1(-4.5)).pvalue > 1e-6
    assert torch.allclose(data.weights, torch.full((mixture.modes,), 1 / mixture.modes, dtype=torch.float64))


@pytest.mark.parametrize("d", [1, 2, 5, 64])
def test_quality_radius_leaves_out_the_same_share_in_any_dimension(d):
    data = Mixture(torch.zeros(1, d), 0.5, CPU)
    assert scipy.stats.chi2.sf((data.radius / 0.5) ** 2, d) == pytest.approx(math.exp(-4.5), rel=1e-9)
    if d == 2:
        assert data.radius == pytest.approx(3 * 0.5, rel=1e-9)


def test_assign_equals_a_search_mode_by_mode(monkeypatch, mixture):
    data = mixture.load(CPU)
    points = torch.randn(2, 3, 50, *mixture.shape, generator=generator(1))
    points[0, 0] = data.centres[0] + data.sigma * torch.randn(50, *mixture.shape, generator=generator(2))
    monkeypatch.setattr(_mixture, "CHUNK", 7 * mixture.modes)  # blocks of seven that do not divide 300
    mode, good = data.assign(points, None)
    assert mode.shape == good.shape == (2, 3, 50)
    for index in [(0, 0, 0), (0, 0, 49), (1, 2, 7), (1, 0, 3)]:
        distances = [math.dist(points[index].tolist(), c) for c in data.centres.tolist()]
        assert mode[index] == min(range(len(distances)), key=distances.__getitem__)
        assert bool(good[index]) == (min(distances) <= data.radius)


def test_quality_is_exact_for_small_modes_far_from_the_origin():
    """A distance by matrix product is wrong by 5e-3 here, half of the radius."""
    centres = torch.tensor([[100.0, 100.0]] * 30) + torch.arange(30.0).unsqueeze(1)
    data = Mixture(centres, 1e-2 / 3, CPU)
    inside, outside = centres + torch.tensor([0.9e-2, 0]), centres + torch.tensor([0, 1.1e-2])
    assert data.assign(inside, None)[1].all()
    assert not data.assign(outside, None)[1].any()


def test_non_finite_points_have_a_mode_and_no_quality():
    data = Ring().load(CPU)
    mode, good = data.assign(torch.tensor([[math.nan, 0.0], [math.inf, 0.0], [-math.inf, math.nan]]), None)
    assert ((mode >= 0) & (mode < 8)).all()
    assert not good.any()


def test_the_global_random_state_stays(mixture):
    before = torch.get_rng_state()
    data = mixture.load(CPU)
    data.assign(data.heldout(generator(), 10), None)
    data.sample_indices(generator(), 10)
    assert torch.equal(before, torch.get_rng_state())


def test_a_generator_decides_the_points(mixture):
    data = mixture.load(CPU)
    assert torch.equal(data.sample_indices(generator(3), 50), data.sample_indices(generator(3), 50))
    assert not torch.equal(data.sample_indices(generator(3), 50), data.sample_indices(generator(4), 50))
