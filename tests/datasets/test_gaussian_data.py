"""One Gaussian: its numbers, and the finite set that may be learnt by heart."""

from __future__ import annotations

import pytest
import torch

from ganbench.core import registry
from ganbench.datasets import Dataset
from ganbench.datasets._mixture import Points
from ganbench.datasets.gaussian import Gaussian

CPU = torch.device("cpu")


def generator(seed):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("mean", [(2.0, 0.0, -1.0), (0.5,)])
def test_mean_and_spread(mean):
    """Standard errors at 20,000 draws are 0.0021 and 0.0015; five of them, 9 numbers: 5e-6 of false alarms."""
    x = Gaussian(dimension=3, mean=mean, sigma=0.3).load(CPU).sample_indices(generator(0), 20_000).double()
    expected = torch.tensor(mean).double().expand(3)
    torch.testing.assert_close(x.mean(0), expected, atol=0.0106, rtol=0)
    torch.testing.assert_close(x.T.cov(), 0.09 * torch.eye(3).double(), atol=5 * 0.09 / 100, rtol=0)


@pytest.mark.parametrize("dimension", [1, 2, 16, 64])
def test_high_quality_has_the_same_share_in_any_dimension(dimension):
    """1 − e^{−4.5} = 0.98889; the standard error at 20,000 draws is 0.00074, five of them are allowed."""
    data = Gaussian(dimension=dimension).load(CPU)
    mode, good = data.assign(data.sample_indices(generator(1), 20_000), None)
    assert mode.eq(0).all()
    assert float(good.double().mean()) == pytest.approx(0.98889, abs=0.0037)


def test_a_finite_set_is_always_the_same_and_held_out_points_are_not_in_it():
    data, again = (Gaussian(dimension=16, points=64).load(CPU) for _ in range(2))
    assert isinstance(data, Points) and isinstance(again, Points)
    assert torch.equal(data.train, again.train)
    drawn = data.sample_indices(generator(0), 600).reshape(2, 3, 100)
    assert drawn.dtype == torch.int64
    assert data.gather(drawn).shape == (2, 3, 100, 16)
    known = {tuple(row.tolist()) for row in data.train}
    assert len(known) == 64
    assert {tuple(row.tolist()) for row in data.gather(drawn).flatten(0, 2)} <= known
    assert not {tuple(row.tolist()) for row in data.heldout(generator(0), 500)} & known


def test_every_point_is_drawn_equally_often():
    """χ² of 64 cells, 63 degrees of freedom: beyond 130 in fewer than 1 of 100,000 runs."""
    counts = Gaussian(points=64).load(CPU).sample_indices(generator(3), 6400).bincount(minlength=64)
    assert float(((counts - 100) ** 2 / 100).sum()) < 130


def test_a_mean_of_the_wrong_length_is_refused():
    with pytest.raises(ValueError, match="mean has 3 numbers and dimension is 2; give one number or 2"):
        Gaussian(mean=(1.0, 2.0, 3.0))


def test_registered_and_leaves_the_global_random_state():
    before = torch.get_rng_state()
    data = registry.build(Dataset, "gaussian", {"mean": [2.0, 0.0], "points": 5}).load(CPU)
    data.gather(data.sample_indices(generator(0), 3))
    assert torch.equal(before, torch.get_rng_state())
