"""Update rules against the same rules written down in ten lines, from gradients that ordinary autograd takes.

The game is the bilinear one, min over θ, max over ψ of θψ, and its non-linear relative, in float64: a gradient is a
product of two numbers, so what is left to get wrong is the rule.
"""

from __future__ import annotations

import math

import pytest
import torch

from tests.engine import PackedNoise, TrialSetup, gan_step
from tests.helpers.present import present
from tests.helpers.trials import small_trial

H, STEPS, START = 0.1, 12, (0.7, -0.4)
RULES = {
    "extragradient": {},
    "optimistic": {},
    "lookahead": {"k": 3, "alpha": 0.3},
}


@pytest.fixture(autouse=True)
def float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def engine(trial, steps=STEPS):
    setup = TrialSetup(trial, torch.device("cpu"))
    d, g = setup.players((0,))
    g.flat[:, 0], d.flat[:, 0] = START
    noise, last, path = PackedNoise((0,), torch.device("cpu")), None, []
    for step in range(1, steps + 1):
        last = gan_step(setup, d, g, noise, step, previous=last)
        path.append((g.flat[0, 0].item(), d.flat[0, 0].item()))
    return path


def dirac(*tricks, loss="non_saturating", **changes):
    axes = {"dataset": ("dirac", {}), "network": ("dirac", {}), "loss": (loss, {}), "optimizer": ("sgd", {"lr": H})}
    return small_trial(*tricks, **axes, batch=2, steps=STEPS, **changes)


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def slopes(theta, psi):
    """Return (dL_G/dθ, dL_D/dψ) of the non-saturating loss with D(x) = ψx and all data at 0."""
    return -psi * sigmoid(-theta * psi), theta * sigmoid(theta * psi)


def notebook(name, parameters, update):
    """Return the path of (θ, ψ) as one would write it down."""
    (x, y), path, last, slow = START, [], None, START
    for step in range(1, STEPS + 1):
        a, b = slopes(x, y)
        if name == "extragradient":
            a, b = slopes(x - H * a, y - H * b)
            x, y = x - H * a, y - H * b
        elif name == "optimistic":
            before = last or (a, b)
            extra = (a - before[0], b - before[1]) if last else (0.0, 0.0)
            x, y, last = x - H * (a + extra[0]), y - H * (b + extra[1]), (a, b)
        else:
            y = y - H * b
            x = x - H * (slopes(x, y)[0] if update == "alternating" else a)
            if step % parameters["k"] == 0:
                share = parameters["alpha"]
                x, y = slow[0] + share * (x - slow[0]), slow[1] + share * (y - slow[1])
                slow = x, y
        path.append((x, y))
    return path


@pytest.mark.parametrize("update", ["simultaneous", "alternating"])
@pytest.mark.parametrize("name", RULES)
def test_rules_are_those_of_a_notebook(name, update):
    path = engine(dirac((name, RULES[name]), update=update))
    for ours, theirs in zip(path, notebook(name, RULES[name], update), strict=True):
        assert ours == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("by", ["norm", "value"])
def test_clipping_is_that_of_torch(by):
    trial = small_trial(("gradient_clipping", {"limit": 0.05, "by": by}))
    setup = TrialSetup(trial, torch.device("cpu"))
    d, g = setup.players((0, 1, 2))
    noise, clipped = PackedNoise((0, 1, 2), torch.device("cpu")), 0
    for step in range(1, 4):
        done = gan_step(setup, d, g, noise, step)
        for player, passed in ((d, done.d), (g, done.g)):
            for seed in range(3):
                weights = [torch.zeros_like(v[seed]).requires_grad_() for v in player.views(player.flat).values()]
                for w, gradient in zip(weights, player.views(passed.gradient).values(), strict=True):
                    w.grad = gradient[seed].clone()
                if by == "norm":
                    clipped += bool(torch.nn.utils.clip_grad_norm_(weights, 0.05) > 0.05)
                else:
                    torch.nn.utils.clip_grad_value_(weights, 0.05)
                    clipped += any(bool((present(w.grad).abs() == 0.05).any()) for w in weights)
                for w, handed in zip(weights, player.views(present(player.flat.grad)).values(), strict=True):
                    torch.testing.assert_close(
                        handed[seed], w.grad, rtol=1e-4, atol=1e-9
                    )  # torch adds 1e-6 to the norm
    assert clipped


def test_clipped_weights_stay_inside():
    """After each step D's weights are those of a plain step, clamped; G's are not touched."""
    plain, clipped = (
        TrialSetup(small_trial(*tricks), torch.device("cpu")) for tricks in ((), (("weight_clipping", {}),))
    )
    players = [setup.players((0, 1)) for setup in (plain, clipped)]
    for setup, (d, g) in zip((plain, clipped), players, strict=True):
        gan_step(setup, d, g, PackedNoise((0, 1), torch.device("cpu")), 1)
    (d, _), (bounded, free) = players
    assert d.flat.abs().max() > 0.01
    assert torch.equal(bounded.flat, d.flat.clamp(-0.01, 0.01))
    assert free.flat.abs().max() > 0.01
