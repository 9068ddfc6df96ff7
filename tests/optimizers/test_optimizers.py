"""Optimisers through the engine: torch's own update in float64, each player's rate, and negative momentum's theory."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from ganbench.core.registry import build
from ganbench.optimizers import Optimizer
from tests.engine import PackedNoise, TrialSetup, begin, gan_step
from tests.helpers.trials import small_trial

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def adam(rate, p):
    return torch.optim.Adam([p], rate, (0.3, 0.9), 1e-6, foreach=False, fused=False)


def rmsprop(rate, p):
    return torch.optim.RMSprop([p], rate, 0.8, 1e-6, foreach=False)


class HeavyBall:
    """b ← μ b + g, w ← w − η b, written down: torch refuses a negative μ."""

    def __init__(self, rate, p, momentum):
        self.rate, self.p, self.momentum, self.b = rate, p, momentum, torch.zeros_like(p)

    def step(self):
        self.b = self.momentum * self.b + self.p.grad
        with torch.no_grad():
            self.p -= self.rate * self.b


RATES = {"d_lr": 4e-3, "g_lr": 1e-3}
OPTIMIZERS = {
    "adam": ({"betas": (0.3, 0.9), "eps": 1e-6}, adam),
    "rmsprop": ({"alpha": 0.8, "eps": 1e-6}, rmsprop),
    "sgd": ({"momentum": 0.7}, lambda rate, p: HeavyBall(rate, p, 0.7)),
    "sgd negative": ({"momentum": -0.4}, lambda rate, p: HeavyBall(rate, p, -0.4)),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_weights_move_as_by_torch_at_each_players_own_rate(name):
    parameters, make = OPTIMIZERS[name]
    game = TrialSetup(small_trial(optimizer=(name.split()[0], RATES | parameters)), CPU)
    d, g = game.players((0, 1))
    plain = {p.name: torch.nn.Parameter(p.flat.detach()[1].clone()) for p in (d, g)}
    theirs = {"D": make(RATES["d_lr"], plain["D"]), "G": make(RATES["g_lr"], plain["G"])}
    noise = PackedNoise((0, 1), CPU)
    for step in range(1, 8):
        done = gan_step(game, d, g, noise, step)
        for player, passed in ((d, done.d), (g, done.g)):
            plain[player.name].grad = passed.gradient[1].clone()
            theirs[player.name].step()
            torch.testing.assert_close(player.flat.detach()[1], plain[player.name].detach(), rtol=1e-9, atol=1e-12)


def test_the_rate_is_held_and_then_falls_in_a_line():
    optimizer = build(Optimizer, "adam", {"lr": 0.01, "d_lr": 0.04, "lr_final": 0.1, "lr_hold": 0.5})
    assert [optimizer.rate("G", p) for p in (0, 0.25, 0.5, 0.75, 1)] == pytest.approx([0.01, 0.01, 0.01, 0.0055, 0.001])
    assert optimizer.rate("D", 0.75) == pytest.approx(0.022)
    assert build(Optimizer, "adam", {"lr_hold": 0.0, "lr_final": 0.0}).rate("G", 0.25) == pytest.approx(0.75e-3)


def test_the_engine_uses_the_rate_of_the_moment():
    """Under plain descent an update is rate × gradient; the last of 20 steps has progress 19/20."""
    game, d, g, noise = begin(
        small_trial(optimizer=("sgd", {"lr": 0.5, "lr_final": 0.1, "lr_hold": 0.0}), steps=20), (0,)
    )
    for step, rate in ((1, 0.5), (11, 0.275), (20, 0.5 * (1 - 0.9 * 0.95))):
        before = g.flat.detach().clone()
        done = gan_step(game, d, g, noise, step)
        torch.testing.assert_close(before - g.flat.detach(), rate * done.g.gradient)


@pytest.mark.parametrize(("momentum", "shrinks"), [(0.0, None), (-0.5, True), (0.5, False)])
def test_negative_momentum_brings_the_bilinear_game_to_rest(momentum, shrinks):
    """Gidel et al. 2019, section 4: alternating descent on xy circles without, converges with μ = −½, leaves with +½.

    The oracle is the 4 × 4 matrix of one step on (x, y, b_x, b_y), written down; its spectral radius is the factor.
    """
    h, steps = 0.4, 300
    trial = small_trial(
        dataset=("dirac", {}),
        network=("dirac", {}),
        loss=("wasserstein", {}),
        optimizer=("sgd", {"lr": h, "momentum": momentum}),
        steps=steps,
        batch=2,
    )
    game = TrialSetup(trial, CPU)
    d, g = game.players((0,))
    g.flat[:, 0], d.flat[:, 0] = 1.0, 1.0
    # D first: b_y = μ b_y + x, y −= h b_y; then G at the new y: b_x = μ b_x − y, x −= h b_x.
    first = np.array([[1, 0, 0, 0], [-h, 1, 0, -h * momentum], [0, 0, 1, 0], [1, 0, 0, momentum]], dtype=float)
    second = np.array([[1, h, -h * momentum, 0], [0, 1, 0, 0], [0, -1, momentum, 0], [0, 0, 0, 1]], dtype=float)
    matrix, state, noise = second @ first, np.array([1.0, 1.0, 0.0, 0.0]), PackedNoise((0,), CPU)
    for step in range(1, steps + 1):
        gan_step(game, d, g, noise, step)
        state = matrix @ state
        if step % 50 == 0:
            np.testing.assert_allclose([g.flat[0, 0].item(), d.flat[0, 0].item()], state[:2], rtol=1e-8, atol=1e-12)
    radius = np.abs(np.linalg.eigvals(matrix)).max()
    assert shrinks == (None if abs(radius - 1) < 1e-9 else radius < 1)


def test_state_of_one_run_does_not_touch_another():
    """All state is element-wise: a NaN in one row stays there."""
    for name, (parameters, _) in OPTIMIZERS.items():
        optimizer = build(Optimizer, name.split()[0], parameters)
        clean, dirty = torch.ones(3, 32), torch.ones(3, 32)
        for weights, spoilt in ((clean, False), (dirty, True)):
            moving = optimizer.build([weights], "D")
            for k in range(3):
                gradient = torch.full((3, 32), 1.0 + k)
                if spoilt:
                    gradient[1] = torch.nan
                weights.grad = gradient
                moving.step()
        assert torch.equal(clean[[0, 2]], dirty[[0, 2]])
        assert dirty[1].isnan().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_adam_has_the_bits_and_the_state_of_torchs_own(dtype):
    """Its step calls torch's kernel by itself; a state of either goes on in the other."""
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(3, 64, generator=generator, dtype=dtype)
    ours = build(Optimizer, "adam", {"lr": 0.01}).build([start.clone()], "D")
    theirs = torch.optim.Adam([start.clone()], 0.01, (0.5, 0.999), 1e-8, fused=True)
    for step in range(6):
        gradient = torch.randn(3, 64, generator=generator, dtype=dtype)
        for optimizer in (ours, theirs):
            optimizer.param_groups[0]["lr"] = 0.01 / (step + 1)
            optimizer.param_groups[0]["params"][0].grad = gradient
            optimizer.step()
        states = [optimizer.state_dict()["state"][0] for optimizer in (ours, theirs)]
        assert states[0].keys() == states[1].keys()
        assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
        if step == 2:
            first, second = copy.deepcopy(ours.state_dict()), copy.deepcopy(theirs.state_dict())
            ours.load_state_dict(second)
            theirs.load_state_dict(first)
    assert torch.equal(ours.param_groups[0]["params"][0], theirs.param_groups[0]["params"][0])
