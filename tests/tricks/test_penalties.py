"""Penalties against closed forms."""

from __future__ import annotations

import pytest
import torch

from ganbench.core.protocols import Noise
from ganbench.tricks.gradient_penalty import GradientPenalty
from ganbench.tricks.r1 import R1
from ganbench.tricks.weight_clipping import WeightClipping
from tests.helpers.one_seed import interpolates
from tests.helpers.oracles import TrickOracle
from tests.helpers.present import present
from tests.helpers.stand_in import stand_in
from tests.helpers.views import view_of


class Rays:
    """Uniform numbers from a plain generator."""

    def __init__(self):
        self.generator = torch.Generator().manual_seed(0)

    def uniform(self, name, *shape):
        return torch.rand(2, *shape, generator=self.generator)


def view(function, real, fake):
    return view_of(function, real, fake, stand_in(Noise, uniform=Rays().uniform))


def linear(norm, dimension=3):
    w = torch.randn(dimension, generator=torch.Generator().manual_seed(1))
    w = norm * w / w.norm()
    return lambda x: x @ w


REAL, FAKE = torch.randn(2, 7, 3), torch.randn(2, 7, 3)


@pytest.mark.parametrize("norm", [0.0, 0.5, 1.0, 3.0])
def test_linear_critic(norm):
    """A linear critic has ‖∇D‖ = ‖w‖ everywhere: GP = λ(‖w‖ − 1)², one-sided 0 below 1, R1 = γ/2 ‖w‖²."""
    see = view(linear(norm), REAL, FAKE)
    two_sided = pytest.approx([10 * (norm - 1) ** 2] * 2, abs=1e-4)
    assert GradientPenalty().penalty(see).tolist() == two_sided
    one_sided = pytest.approx([10 * max(norm - 1, 0) ** 2] * 2, abs=1e-4)
    assert GradientPenalty(one_sided=True).penalty(see).tolist() == one_sided
    assert R1(gamma=4.0).penalty(see).tolist() == pytest.approx([2 * norm**2] * 2, abs=1e-5)


def test_the_norm_is_that_of_one_sample():
    """Steep at one sample and flat at the others: a norm over the whole batch would be far off."""
    real = torch.zeros(2, 4, 1)
    real[:, 0] = 2.0
    see = view(lambda x: x.square().sum(-1), real, real)
    assert R1(gamma=2.0).penalty(see).tolist() == pytest.approx([16 / 4] * 2)  # |2x|² = 16, 0, 0, 0
    assert GradientPenalty(weight=1.0).penalty(see).tolist() == pytest.approx([(9 + 3) / 4] * 2, abs=1e-4)


def test_a_zero_gradient_has_a_finite_slope():
    w = torch.zeros(3, requires_grad=True)
    GradientPenalty().penalty(view(lambda x: x @ w, REAL, FAKE)).sum().backward()
    assert torch.isfinite(present(w.grad)).all()


def test_clipping_touches_the_discriminator_alone():
    weights = torch.tensor([-1.0, 0.005, 1.0])
    WeightClipping(c=0.01).after("G", weights)
    assert weights.tolist() == [-1.0, pytest.approx(0.005), 1.0]
    WeightClipping(c=0.01).after("D", weights)
    assert weights.tolist() == pytest.approx([-0.01, 0.005, 0.01])


def excess(v, t, real, fake):
    over = v.slopes(interpolates(v, "gradient penalty", real, fake)) - 1
    return t.weight * sum(max(o, 0) ** 2 if t.one_sided else o**2 for o in over) / len(over)


ORACLES = (
    TrickOracle(
        "gradient_penalty",
        penalty=excess,
        # Gulrajani 2017, algorithm 1 and section 4
        defaults={"weight": 10.0, "one_sided": False},
    ),
    TrickOracle(
        "r1",
        penalty=lambda v, t, real, fake: t.gamma / 2 * (v.slopes(real) ** 2).mean(),
        # Mescheder 2018, section 5
        defaults={"gamma": 10.0},
        open={"gamma_final": "annealing is R3GAN's; None is without"},
    ),
    TrickOracle(
        "weight_clipping",
        # The weights after it, which is no objective.
        elsewhere="tests/contracts/test_rules.py::test_clipped_weights_stay_inside",
        # Arjovsky 2017, algorithm 1; martinarjovsky/WassersteinGAN
        defaults={"c": 0.01},
    ),
)
