"""Losses at the discriminator that is optimal between two known distributions, against integrals known otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from math import log, sqrt

import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm

from ganbench.core import registry
from ganbench.losses import Loss
from tests.engine import begin


@dataclass(frozen=True)
class Normal:
    """A normal distribution, by scipy."""

    mean: float
    sd: float

    def pdf(self, x):
        return norm.pdf(x, self.mean, self.sd)

    def logpdf(self, x):
        return norm.logpdf(x, self.mean, self.sd)


# P = N(0, 1) against Q = N(1, 4): of unequal variance, so that a swapped pair shows. Expectations are integrals over
# ±24, beyond which neither has a probability of 1e-30.
P, Q = Normal(0, 1), Normal(1, 2)
GRID = torch.linspace(-24.0, 24.0, 96001, dtype=torch.float64)


def log_ratio(x):
    return torch.as_tensor(P.logpdf(x) - Q.logpdf(x))


OPTIMAL = {
    "fgan_kl": lambda u: 1.0 + u,
    "fgan_reverse_kl": lambda u: u,
    "fgan_pearson": lambda u: 2.0 * (u.exp() - 1.0),
    "fgan_hellinger": lambda u: 0.5 * u,
    "fgan_js": lambda u: u,
    "minimax": lambda u: u,
}


def build(name, **parameters):
    return registry.build(Loss, name, parameters)


def expected(values, density):
    """Return E over a density of values on the grid, by the trapezoid rule (exact here to 1e-12)."""
    return torch.trapezoid(values * torch.from_numpy(density(GRID.numpy())), GRID).item()


def bound(name, logits=None, shift=0.0):
    """Return minus the discriminator's loss at its best logits: one pair (x, x) at a time, then the two expectations.

    The losses are sums of a term in r and a term in f, so E over both is taken of each alone, the other held at 0.
    """
    loss, best = build(name), (logits or OPTIMAL[name])(log_ratio(GRID.numpy())) + shift
    zero = torch.zeros(len(GRID), 1, dtype=torch.float64)
    at_zero = loss.discriminator(zero[:1], zero[:1]).item()
    on_real = loss.discriminator(best.unsqueeze(-1), zero)
    on_fake = loss.discriminator(zero, best.unsqueeze(-1))
    return -(expected(on_real, P.pdf) + expected(on_fake, Q.pdf) - at_zero)


def divergence(integrand):
    return quad(integrand, -24, 24, limit=200)[0]


def jensen_shannon():
    """Return the usual one: ½KL(p ‖ m) + ½KL(q ‖ m)."""

    def integrand(x):
        p, q = P.pdf(x), Q.pdf(x)
        m = (p + q) / 2
        return 0.5 * (p * log(p / m) + q * log(q / m)) if min(p, q) > 0 else 0.0

    return divergence(integrand)


TRUTHS = {
    "fgan_kl": 0.443147,
    "fgan_reverse_kl": 1.306853,
    "fgan_pearson": divergence(lambda x: (P.pdf(x) - Q.pdf(x)) ** 2 / Q.pdf(x)),
    "fgan_hellinger": 2 - 2 * sqrt(2 * 1 * 2 / (1 + 4)) * 2.718281828459045 ** (-1 / (4 * (1 + 4))),
    "fgan_js": 2 * jensen_shannon(),
    "minimax": 2 * jensen_shannon() - 2 * log(2),
}


@pytest.mark.parametrize("name", TRUTHS)
def test_bound_is_tight_at_the_optimal_discriminator(name):
    # 2e-6: where reverse KL's exponential goes on as its tangent (−r > 40, x > 10) Q has a probability of 3e-6.
    assert bound(name) == pytest.approx(TRUTHS[name], abs=2e-6)


@pytest.mark.parametrize("name", TRUTHS)
def test_any_other_discriminator_gives_less(name):
    for shift in (-0.05, 0.05):
        assert bound(name, shift=shift) < TRUTHS[name] - 1e-4


def test_unequal_variances_tell_a_swap():
    assert TRUTHS["fgan_kl"] == pytest.approx(log(2) + (1 + 1) / 8 - 0.5, abs=1e-6)
    assert TRUTHS["fgan_reverse_kl"] == pytest.approx(-log(2) + (4 + 1) / 2 - 0.5, abs=1e-6)


def test_optimal_discriminator_between_shifted_normals():
    """N(0, 1) against N(1, 1): the logit is ½ − x, the loss 2 log 2 − 2 JSD = 1.163451 with JSD .111421."""
    x = GRID
    best, zero = (0.5 - x).unsqueeze(-1), torch.zeros(len(x), 1, dtype=torch.float64)
    for name in ("minimax", "non_saturating"):
        loss = build(name)
        value = expected(loss.discriminator(best, zero) - log(2), Normal(0, 1).pdf)
        value += expected(loss.discriminator(zero, best) - log(2), Normal(1, 1).pdf)
        assert value == pytest.approx(1.163451, abs=1e-6)
        assert (2 * log(2) - value) / 2 == pytest.approx(0.111421, abs=1e-6)


def test_relativistic_average_is_its_formula_pair_by_pair():
    """The same number from plain loops over the batch."""
    generator = torch.Generator().manual_seed(0)
    real, fake = torch.randn(2, 5, dtype=torch.float64, generator=generator)
    softplus = torch.nn.functional.softplus
    mean_real, mean_fake = sum(real.tolist()) / 5, sum(fake.tolist()) / 5
    of_d = [*(softplus(-(r - mean_fake)).item() for r in real), *(softplus(f - mean_real).item() for f in fake)]
    of_g = [*(softplus(-(f - mean_real)).item() for f in fake), *(softplus(r - mean_fake).item() for r in real)]
    loss = build("relativistic_average")
    assert loss.discriminator(real, fake).item() == pytest.approx(sum(of_d) / 10, abs=1e-12)
    assert loss.generator(fake, real).item() == pytest.approx(sum(of_g) / 10, abs=1e-12)


def test_pearson_pushes_nowhere_the_wrong_way():
    f = torch.linspace(-50, 5, 1101, dtype=torch.float64).unsqueeze(-1).requires_grad_()
    (slope,) = torch.autograd.grad(build("fgan_pearson").generator(f).sum(), f)
    assert (slope <= 0).all()
    assert (slope[f > -1.9] < 0).all()


@pytest.mark.parametrize("name", ["fgan_kl", "fgan_reverse_kl", "fgan_hellinger"])
def test_huge_logits_leave_float32_gradients_whose_squares_are_finite(name):
    """Adam squares gradients: an infinite square would stop a weight for good."""
    real = torch.full((1, 4), -1e4, requires_grad=True)
    fake = torch.full((1, 4), 1e4, requires_grad=True)
    for slope in torch.autograd.grad(build(name).discriminator(real, fake).sum(), (real, fake)):
        assert torch.isfinite(slope.square()).all()
    (slope,) = torch.autograd.grad(build(name).generator(fake).sum(), fake)
    assert torch.isfinite(slope.square()).all()
    assert (slope < 0).all()


def test_ebgan_asks_nothing_beyond_the_margin():
    """E(x) + [m − E(G)]₊ with energies E = −logit, by hand."""
    loss = build("ebgan", margin=2.0)
    real, fake = torch.tensor([-0.5, -1.5]), torch.tensor([-1.0, -3.0])
    assert loss.discriminator(real, fake).item() == pytest.approx((0.5 + 1.5) / 2 + (1.0 + 0.0) / 2)
    assert loss.generator(fake).item() == pytest.approx(2.0)
    assert loss.optimum == 2.0


def energy_trial(**changes):
    from tests.helpers.trials import small_trial

    return small_trial(network=("autoencoder", {"latent": 4, "width": 16}), loss=("ebgan", {}), **changes)


def test_energies_are_the_reconstruction_errors():
    game, d, _, _ = begin(energy_trial())
    x = torch.randn(2, 7, 2, generator=torch.Generator().manual_seed(0))
    h = game.trunk.apply(d.params, d.buffers, x, training=True, noise=None)
    logits = game.head.apply(d.params, d.buffers, h, training=True, noise=None).squeeze(-1)
    for seed in range(2):
        p = {name: tensor[seed] for name, tensor in d.params.items()}
        y = x[seed]
        for layer in ("encoder0", "encoder1", "decoder0", "decoder1"):
            y = y @ p[f"{layer}.weight"] + p[f"{layer}.bias"]
            y = torch.nn.functional.leaky_relu(y, 0.2) if layer.endswith("0") else y
        torch.testing.assert_close(logits[seed], -(x[seed] - y).square().mean(-1))
    assert (logits <= 0).all()


def test_ebgan_trains_and_a_seed_trains_alike_alone_and_in_company():
    def train(seeds):
        begun = begin(energy_trial(batch=32), seeds)
        last = begun.train(5)
        return begun.d.flat.detach(), begun.g.flat.detach(), last

    d, g, last = train((3, 5))
    alone_d, alone_g, _ = train((5,))
    assert torch.equal(d[1], alone_d[0]) and torch.equal(g[1], alone_g[0])
    assert torch.isfinite(last.d.loss).all()
    assert (last.g.gradient.abs().sum(-1) > 0).all()


def test_energies_and_logits_are_not_mixed():
    from ganbench.suite import plan
    from tests.helpers.trials import choose, small_trial

    ring = ("autoencoder", {"latent": 4, "width": 16})
    for loss in ("non_saturating", "hinge"):
        assert "only energy losses" in (plan.incompatibility(small_trial(network=ring, loss=(loss, {}))) or "")
    assert "reconstruction error" in (plan.incompatibility(small_trial(loss=("ebgan", {}))) or "")
    assert plan.incompatibility(energy_trial()) is None
    assert choose("loss", "ebgan").label == "ebgan"
