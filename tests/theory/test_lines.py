"""Linear critics and Gaussian data: losses and penalties against closed forms."""

from __future__ import annotations

import pytest
import torch

from ganbench.core import registry
from ganbench.losses import Loss
from tests.engine import PackedNoise, PackedView, TrialSetup
from tests.helpers.trials import small_trial

POINTS = torch.linspace(-14, 15, 200_001, dtype=torch.float64)


def density(mean, sd=1.0):
    """Return the weights of a Gaussian over POINTS: their sum is 1."""
    p = torch.exp(-0.5 * ((POINTS - mean) / sd) ** 2)
    return p / p.sum()


def test_optimal_discriminator_between_two_gaussians():
    """Real N(0, 1), fake N(1, 1): the logit ½ − x is the best and its loss 2 log 2 − 2 JSD = 1.163451, JSD .111421."""
    p, q = density(0.0), density(1.0)
    s = torch.nn.functional.softplus

    def loss(logit):
        return (p * s(-logit) + q * s(logit)).sum()

    best = loss(0.5 - POINTS)
    assert best.item() == pytest.approx(1.163451, abs=1e-6)
    assert (torch.log(torch.tensor(2.0)) - best / 2).item() == pytest.approx(0.111421, abs=1e-6)
    for other in (0.6 - POINTS, 0.5 - 1.1 * POINTS, 0.5 - POINTS + 0.1 * torch.sin(POINTS)):
        assert loss(other) > best


def test_wgan_gp_with_a_linear_critic():
    """Real at 0, fake at Δ: the best w has ‖w‖ = 1 + ‖Δ‖/2λ, value ‖Δ‖ + ‖Δ‖²/4λ; Δ = 2, λ = 10: 1.1 and 2.1."""
    trial = small_trial(
        ("gradient_penalty", {"weight": 10.0}),
        dataset=("dirac", {}),
        network=("dirac", {"theta": 2.0}),
        loss=("wasserstein", {}),
    )
    setup = TrialSetup(trial, torch.device("cpu"))
    d, _ = setup.players((0,))

    def value(w):
        with torch.no_grad():
            d.flat[:, 0] = w
        view = PackedView(setup, d.params, d.buffers, PackedNoise((0,), torch.device("cpu")), 0.0, "D", d.memory)
        view.show(torch.zeros(1, 4, 1), torch.full((1, 4, 1), 2.0), torch.zeros(1, 4, 1))
        view.answer(with_real=True)
        loss = setup.loss.discriminator(view.real_logits, view.fake_logits)
        return -(loss + setup.hooks["penalty"][0].penalty(view)).item()

    assert value(-1.1) == pytest.approx(2.1, abs=1e-5)
    assert value(-1.1) > max(value(-1.08), value(-1.12), value(1.1))


def test_no_discriminator_beats_the_optimum_at_equality():
    """At p = q the declared optimum bounds what any discriminator reaches, here twenty random ones a loss."""
    generator = torch.Generator().manual_seed(0)
    p = density(0.0)
    features = torch.stack([torch.sin(k * POINTS) for k in range(1, 6)] + [torch.ones_like(POINTS)])
    for name in registry.components(Loss):
        loss = registry.build(Loss, name)
        if "energy" in loss.traits:
            continue
        for _ in range(20):
            logit = torch.randn(6, dtype=torch.float64, generator=generator) @ features
            sample = logit[torch.multinomial(p, 4096, replacement=True, generator=generator)]
            assert loss.discriminator(sample, sample).item() >= loss.optimum - 1e-9, loss.name
