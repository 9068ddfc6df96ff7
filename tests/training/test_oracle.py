"""The stacked engine against ordinary PyTorch, one seed at a time: the slow independent oracle."""

from __future__ import annotations

import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F

from ganbench.training.noise import PackedNoise
from ganbench.training.setup import TrialSetup
from ganbench.training.step import PackedStep, gan_step
from tests.helpers.present import present
from tests.helpers.trials import small_trial

STEPS, SEEDS = 4, (0, 5)
# Penalties are compared under plain descent: Adam's first steps are ±lr however small a gradient is, so that a
# rounding difference in one that is nearly zero would move a weight the other way.
SGD = ("sgd", {"lr": 0.1})


def modules(setup, d, g, i):
    """Return ordinary modules with the i-th seed's weights."""
    width, latent = 16, setup.latent
    generator = nn.Sequential(
        nn.Linear(latent, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 2)
    )
    critic = nn.Sequential(
        nn.Linear(2, width), nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2), nn.Linear(width, 1)
    )
    for module, params in ((generator, g.params), (critic, d.params)):
        linears = [m for m in module if isinstance(m, nn.Linear)]
        names = [n.removesuffix(".weight") for n in params if n.endswith(".weight")]
        for linear, name in zip(linears, names, strict=True):
            linear.weight.data = params[f"{name}.weight"][i].detach().T.clone()
            linear.bias.data = params[f"{name}.bias"][i].detach().clone()
    return generator, critic


def bce(logits, target):
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


D_LOSSES = {
    "minimax": lambda r, f: bce(r, 1.0) + bce(f, 0.0),
    "non_saturating": lambda r, f: bce(r, 1.0) + bce(f, 0.0),
    "least_squares": lambda r, f: 0.5 * F.mse_loss(r, torch.ones_like(r)) + 0.5 * F.mse_loss(f, torch.zeros_like(f)),
    "wasserstein": lambda r, f: f.mean() - r.mean(),
    "hinge": lambda r, f: (1 - r).clamp(min=0).mean() + (1 + f).clamp(min=0).mean(),
    "relativistic_paired": lambda r, f: bce(r - f, 1.0),
}
G_LOSSES = {
    "minimax": lambda r, f: -bce(f, 0.0),
    "non_saturating": lambda r, f: bce(f, 1.0),
    "least_squares": lambda r, f: 0.5 * F.mse_loss(f, torch.ones_like(f)),
    "wasserstein": lambda r, f: -f.mean(),
    "hinge": lambda r, f: -f.mean(),
    "relativistic_paired": lambda r, f: bce(f - r, 1.0),
}


def plain_training(setup, seed, i, d, g, noise, *, simultaneous=False, n_critic=1, n_generator=1, penalty=None):
    """Train one seed the way a textbook does it; random numbers come in the engine's order."""
    loss = setup.loss
    generator, critic = modules(setup, d, g, i)
    optimiser = {
        name: torch.optim.Adam(module.parameters(), 1e-3, (0.5, 0.999))
        if setup.trial.optimizer.name == "adam"
        else torch.optim.SGD(module.parameters(), 0.1)
        for name, module in (("D", critic), ("G", generator))
    }

    context = PackedStep(setup, d, g, noise, 0.0, False)

    def d_loss():
        batch = context.minibatch()
        z, x = batch.z[0], present(batch.real)[0]
        fake = generator(z).detach()
        value = D_LOSSES[loss.name](critic(x)[:, 0], critic(fake)[:, 0])
        return value + penalty(critic, x, fake, noise) if penalty else value

    for step in range(STEPS):
        if step % n_generator == 0:
            for k in range(n_critic):
                optimiser["D"].zero_grad()
                d_loss().backward()
                if not (simultaneous and k == n_critic - 1):
                    optimiser["D"].step()
        batch = context.minibatch(loss.requires_real)
        fake = generator(batch.z[0])
        real = present(batch.real)[0] if loss.requires_real else None
        logits = critic(fake)[:, 0]
        value = G_LOSSES[loss.name](critic(real)[:, 0] if real is not None else None, logits)
        optimiser["G"].zero_grad()
        gradients = torch.autograd.grad(value, list(generator.parameters()))
        for p, gradient in zip(generator.parameters(), gradients, strict=True):
            p.grad = gradient
        if simultaneous:
            optimiser["D"].step()
        optimiser["G"].step()
    return generator, critic


def compare(trial, **plain):
    device = torch.device("cpu")
    setup = TrialSetup(trial, device)
    d, g = setup.players(SEEDS)
    oracles = [
        plain_training(setup, seed, i, d, g, PackedNoise((seed,), device), **plain) for i, seed in enumerate(SEEDS)
    ]
    noise, last = PackedNoise(SEEDS, device), None
    for step in range(1, STEPS + 1):
        last = gan_step(setup, d, g, noise, step, previous=last)
    for i, (generator, critic) in enumerate(oracles):
        for player, module in ((g, generator), (d, critic)):
            theirs = [p.detach() for p in module.parameters()]
            ours = [p[i].detach().T if p.dim() == 3 else p[i].detach() for p in player.params.values()]
            for a, b in zip(ours, theirs, strict=True):
                torch.testing.assert_close(a, b, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("loss", sorted(D_LOSSES))
def test_losses_alternating(loss):
    compare(small_trial(loss=(loss, {})))


def test_simultaneous_update():
    compare(small_trial(update="simultaneous"), simultaneous=True)


def test_three_critic_updates():
    compare(small_trial(n_critic=3), n_critic=3)


def test_two_generator_updates():
    compare(small_trial(n_generator=2), n_generator=2)


def gradient(critic, x):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(critic(x).sum(), x, create_graph=True)[0]


def test_r1():
    def penalty(critic, x, fake, noise):
        return 3.0 / 2 * gradient(critic, x).square().sum(1).mean()

    compare(small_trial(("r1", {"gamma": 3.0}), optimizer=SGD), penalty=penalty)


@pytest.mark.parametrize("one_sided", [False, True])
def test_gradient_penalty(one_sided):
    def penalty(critic, x, fake, noise):
        share = noise.uniform("gradient penalty", len(x))[0][:, None]
        excess = gradient(critic, share * x + (1 - share) * fake).norm(dim=1) - 1
        return 5.0 * (excess.clamp(min=0) if one_sided else excess).square().mean()

    trick = ("gradient_penalty", {"weight": 5.0, "one_sided": one_sided})
    compare(small_trial(trick, loss=("wasserstein", {}), optimizer=SGD), penalty=penalty)
