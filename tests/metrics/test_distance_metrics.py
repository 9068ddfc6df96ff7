"""Distances between sample sets against slow sums, other people's code and closed forms."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import scipy.linalg
import scipy.stats
import torch

from ganbench.assets.fidelity import import_torchvision
from ganbench.metrics.energy_distance import EnergyDistance
from ganbench.metrics.fid import FID
from ganbench.metrics.kid import KID
from ganbench.metrics.mmd import MMD
from ganbench.metrics.sliced_wasserstein import SlicedWasserstein, _directions
from ganbench.metrics.wasserstein import Wasserstein
from tests.helpers.metric_samples import blob, generator, points

DISTANCES = [EnergyDistance, FID, KID, MMD, SlicedWasserstein, Wasserstein]
SETS = 20
# Mean and deviation of one value of 1,000 against 1,000 real samples of the ring of 8, radius 2, σ .05, and the mean
# where one mode is missing: from 200 pairs of sets (60 for the exact distance) drawn and measured by another program;
# the standard errors of these means are .0003, .002, .003 and .009. KID's are torch-fidelity's.
REAL = {
    EnergyDistance: (0.0, 0.0036, 0.051),
    KID: (0.0, 0.029, 0.400),
    SlicedWasserstein: (0.193, 0.042, 0.416),
    Wasserstein: (0.38, 0.075, 0.77),
}


def value(metric, fake, real):
    return metric.compute(blob(fake), blob(real), torch.ones(1))[metric.name]


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed))


@pytest.fixture(scope="module")
def pairs():
    fakes, reals = points(1000, 1, sets=SETS), points(1000, 2, sets=SETS)
    return fakes, reals, points(1000, 3, sets=SETS, modes=tuple(range(7)))


@pytest.mark.parametrize("cls", REAL, ids=lambda c: c.name)
def test_real_against_real_and_a_missing_mode(cls, pairs):
    """Means of 20 pairs (6 for the exact distance) within 5 standard errors, of skewed values: false alarms ~1e-5."""
    mean, deviation, missing = REAL[cls]
    n = 6 if cls is Wasserstein else SETS
    fakes, reals, fewer = (x[:n] for x in pairs)
    error = 5 * deviation / math.sqrt(n)
    assert torch.stack([value(cls(), x, y) for x, y in zip(fakes, reals, strict=True)]).mean().item() == pytest.approx(
        mean, abs=error
    )
    without = torch.stack([value(cls(), x, y) for x, y in zip(fewer, reals, strict=True)])
    # The deviation is larger where a mode is missing, 4 times for the energy distance.
    assert without.mean().item() == pytest.approx(missing, abs=4 * error)
    assert without.mean() > mean + error


@pytest.mark.parametrize("cls", [KID, MMD, EnergyDistance], ids=lambda c: c.name)
def test_unbiased_ones_are_zero_on_average_and_sometimes_negative(cls):
    """All below zero or all above: 2·½⁴⁰ of false alarms; the mean within 5 of its own standard errors, 40 pairs."""
    values = torch.stack([value(cls(), normal(60, 3, seed=i), normal(80, 3, seed=1000 + i)) for i in range(40)])
    assert (values < 0).any()
    assert (values > 0).any()
    assert abs(values.mean()) < 5.5 * values.std() / math.sqrt(40)  # Student's t with 39 degrees: 3e-6


def kernel_mmd(x, y, k):
    def mean(a, b, same):
        return np.mean([k(u, v) for i, u in enumerate(a) for j, v in enumerate(b) if not (same and i == j)])

    return mean(x, x, True) + mean(y, y, True) - 2 * mean(x, y, False)


@pytest.mark.parametrize(("n", "m", "d"), [(13, 13, 2), (9, 21, 12), (20, 7, 1)])
def test_pairwise_means_equal_slow_sums(n, m, d):
    """12 dimensions go through matrix products, 2 through differences."""
    a, b = normal(n, d, seed=1), 0.5 + normal(m, d, seed=2)
    x, y = a.double().numpy(), b.double().numpy()
    cubic = kernel_mmd(x, y, lambda u, v: (u @ v / d + 1) ** 3)
    assert value(KID(), a, b).item() == pytest.approx(cubic, rel=1e-9)
    energy = -kernel_mmd(x, y, lambda u, v: np.linalg.norm(u - v))
    assert value(EnergyDistance(), a, b).item() == pytest.approx(energy, rel=1e-9)
    apart = sorted(np.linalg.norm(u - v) for u, v in itertools.combinations(y, 2))
    h = apart[(len(apart) - 1) // 2]
    gauss = kernel_mmd(x, y, lambda u, v: math.exp(-((u - v) @ (u - v)) / (2 * h * h)))
    assert value(MMD(), a, b).item() == pytest.approx(gauss, rel=1e-9)


@pytest.mark.parametrize("d", [2, 64])
def test_kid_equals_torch_fidelity(d):
    import_torchvision()
    from torch_fidelity.metric_kid import kid_features_to_metric

    a, b = normal(300, d, seed=1).double(), normal(300, d, seed=2).double() * 1.1 + 0.1
    settings = dict(kid_subsets=1, kid_subset_size=300, kid_kernel="poly", kid_kernel_poly_degree=3)
    settings |= dict(kid_kernel_poly_gamma=None, kid_kernel_poly_coef0=1, rng_seed=0, verbose=False)
    theirs = kid_features_to_metric(a, b, **settings)["kernel_inception_distance_mean"]
    assert value(KID(), a, b).item() == pytest.approx(theirs, rel=1e-6)


def test_energy_distance_equals_scipys():
    """SciPy's is the root of half a V-statistic on a line: with the diagonals counted."""
    x, y = normal(50, 1, seed=1), 0.7 + normal(50, 1, seed=2)
    theirs = scipy.stats.energy_distance(x[:, 0].double(), y[:, 0].double()) ** 2
    within = sum(torch.pdist(z.double()).mean().item() for z in (x, y))
    assert value(EnergyDistance(), x, y).item() == pytest.approx(theirs - within / 50, rel=1e-9)


def test_energy_distance_of_two_points():
    a, b = torch.tensor([0.0, 0.0]).expand(5, 2), torch.tensor([3.0, 4.0]).expand(7, 2)
    assert value(EnergyDistance(), a, b).item() == pytest.approx(2 * 5, abs=1e-12)


def test_wasserstein_equals_a_search_over_all_pairings():
    x, y = normal(6, 3, seed=1), normal(6, 3, seed=2)
    cost = torch.cdist(x.double(), y.double()).square()
    best = min(cost[range(6), list(order)].mean().item() for order in itertools.permutations(range(6)))
    assert value(Wasserstein(), x, y).item() == pytest.approx(math.sqrt(best), rel=1e-9)


@pytest.mark.parametrize("d", [3, 20])
def test_wasserstein_of_a_shift_is_its_length(d):
    x = normal(200, d)
    assert value(Wasserstein(), x[torch.randperm(200, generator=generator(1))] + 0.5, x).item() == pytest.approx(
        0.5 * math.sqrt(d), rel=1e-5
    )


def test_wasserstein_takes_the_first_points_of_each_side():
    x, y = normal(50, 2, seed=1), normal(30, 2, seed=2)
    assert value(Wasserstein(), x, y) == value(Wasserstein(), x[:30], y)
    assert value(Wasserstein(points=10), x, y) == value(Wasserstein(), x[:10], y[:10])


def slow_sliced(x, y):
    """Both sides repeated to a common number of points, and sorted along each direction."""
    common = math.lcm(len(x), len(y))
    squares = []
    for u in _directions(x.shape[1], 100).mT:
        a, b = (np.sort(np.repeat((z.double() @ u).numpy(), common // len(z))) for z in (x, y))
        squares.append(((a - b) ** 2).mean())
    return math.sqrt(np.mean(squares))


@pytest.mark.parametrize(("n", "m", "d"), [(40, 40, 2), (12, 30, 5), (7, 3, 2), (1, 9, 3)])
def test_sliced_equals_slow_sorting(n, m, d):
    x, y = normal(n, d, seed=1), 2 * normal(m, d, seed=2)
    assert value(SlicedWasserstein(), x, y).item() == pytest.approx(slow_sliced(x, y), rel=1e-9)


def test_sliced_directions_are_unit_and_cover_the_sphere():
    u = _directions(3, 10_000)
    assert torch.allclose(u.norm(dim=0), torch.ones(10_000, dtype=torch.float64))
    # E u uᵀ = I/3; an entry has a deviation of √(4/45)/100 = .003: 5 of them.
    assert torch.allclose(u @ u.mT / 10_000, torch.eye(3, dtype=torch.float64) / 3, atol=0.015)
    assert torch.equal(_directions(3, 100), _directions(3, 100))


def test_on_a_line_sliced_is_exact():
    x, y = normal(80, 1, seed=1), normal(80, 1, seed=2) + 1
    assert value(SlicedWasserstein(), x, y).item() == pytest.approx(value(Wasserstein(), x, y).item(), rel=1e-9)


@pytest.mark.parametrize("d", [2, 64])
def test_fid_equals_a_matrix_root(d):
    x, y = normal(2, 400, d, seed=1) * 1.2, normal(300, d, seed=2) + 0.1
    b = y.double().numpy()
    for fake, found in zip(x.double().numpy(), value(FID(), x, y), strict=True):
        ca, cb = np.cov(fake.T), np.cov(b.T)
        root = np.real(scipy.linalg.sqrtm(ca @ cb))
        expected = ((fake.mean(0) - b.mean(0)) ** 2).sum() + np.trace(ca + cb - 2 * root)
        assert found.item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("n", "m", "d"), [(400, 300, 2), (200, 150, 64), (40, 30, 64)])
def test_fid_equals_torch_fidelitys(n, m, d):
    """On the same features from its own statistics, also with fewer samples than features."""
    import_torchvision()
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    x, y = (normal(n, d, seed=1) * 1.2).double(), (normal(m, d, seed=2) + 0.1).double()
    theirs = fid_statistics_to_metric(*map(fid_features_to_statistics, (x, y)), verbose=False)
    assert value(FID(), x, y).item() == pytest.approx(theirs["frechet_inception_distance"], rel=1e-6)


def test_fid_has_the_bias_of_its_sample_size():
    """About 2d/n + d(d + 1)/2n between two real sets; 2.2 at d 64, n 1000, with a deviation below .05 a pair."""
    values = [value(FID(), normal(1000, 64, seed=i), normal(1000, 64, seed=100 + i)) for i in range(4)]
    assert torch.stack(values).mean().item() == pytest.approx(2.2, abs=0.15)


@pytest.mark.parametrize("cls", DISTANCES, ids=lambda c: c.name)
@pytest.mark.parametrize("d", [2, 64])
def test_is_near_its_floor_for_real_samples_and_grows_with_a_shift(cls, d):
    real, other = normal(300, d, seed=1), normal(300, d, seed=2)
    floor, near, far = (value(cls(), other + shift, real) for shift in (0.0, 0.5, 1.0))
    assert floor < near < far


@pytest.mark.parametrize("cls", [FID, SlicedWasserstein, Wasserstein], ids=lambda c: c.name)
def test_is_zero_for_the_real_samples_themselves(cls):
    real = normal(100, 5)
    assert value(cls(), real.flip(0), real).item() == pytest.approx(0, abs=1e-6)
