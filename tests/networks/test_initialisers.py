"""How weights start, against torch's own initialisers, and the plain layers against torch's modules."""

from __future__ import annotations

from math import sqrt

import pytest
import torch
from torch import nn

from ganbench.networks._attention import SelfAttention
from ganbench.networks._images import Conv
from ganbench.networks._initialisers import initialiser
from ganbench.networks._layers import ACTIVATIONS, Linear, activation


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


# What starts, and the same with torch's axes (outputs first).
LAYERS = {
    "linear": lambda start: (Linear("l", 400, 90, start), nn.Linear(400, 90)),
    "convolution": lambda start: (Conv("l", (32, 90), start, kernel=3), nn.Conv2d(32, 90, 3)),
    "transposed": lambda start: (Conv("l", (32, 90), start, kernel=3, transposed=True), nn.Conv2d(32, 90, 3)),
}


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("kind", ["he", "xavier", "default", "normal"])
def test_spread_is_that_of_torch(kind, layer):
    """A transposed convolution has the fans of the convolution that it transposes: `inputs` numbers feed an output."""
    made, module = LAYERS[layer](initialiser(kind, 1.0))
    weight = made.init(generator())[0]["l.weight"].double().flatten()
    fan_in, fan_out = nn.init._calculate_fan_in_and_fan_out(module.weight)
    std = {
        "he": sqrt(2 / fan_in),
        "xavier": sqrt(2 / (fan_in + fan_out)),
        "default": 1 / sqrt(3 * fan_in),
        "normal": 1.0,
    }[kind]
    # n = 26,000 or more: a standard deviation's relative standard error is .0044 at most (normal); six of them.
    assert weight.std().item() == pytest.approx(std, rel=0.027)
    assert abs(weight.mean().item()) < 6 * std / sqrt(len(weight))
    if kind in ("xavier", "default"):  # uniform: nothing beyond √3 standard deviations, and something close to it
        assert sqrt(3) * std * 0.99 < weight.abs().max().item() <= sqrt(3) * std * (1 + 1e-6)


def test_default_biases_are_those_of_torch():
    bias = Linear("l", 400, 3000, initialiser("default", 1.0)).init(generator())[0]["l.bias"]
    assert 0.99 / 20 < bias.abs().max().item() <= 1 / 20
    assert bias.std().item() == pytest.approx(nn.Linear(400, 3000).bias.std().item(), rel=0.1)
    for kind in ("he", "xavier", "orthogonal", "normal"):
        assert not Linear("l", 4, 6, initialiser(kind, 1.0)).init(generator())[0]["l.bias"].any()


@pytest.mark.parametrize("kind", ["default", "he", "xavier", "orthogonal", "normal"])
def test_the_scale_multiplies_weights_alone(kind):
    one, more = (Linear("l", 4, 6, initialiser(kind, scale)).init(generator())[0] for scale in (1.0, 1.4))
    torch.testing.assert_close(more["l.weight"], 1.4 * one["l.weight"])
    assert torch.equal(more["l.bias"], one["l.bias"])


def test_orthogonal_matrices_have_no_favourite_direction():
    """The signs of a QR decomposition make Q's first number negative nearly always; in a uniform Q it is half the time.

    64 fair signs: outside 16 to 48 with p = 6e-5.
    """
    start = initialiser("orthogonal", 1.0)
    positive = sum(start((3, 3), 3, 3, generator(s))[0][0, 0].item() > 0 for s in range(64))
    assert 16 <= positive <= 48


def test_activations_are_those_of_torch():
    modules = {
        "relu": nn.ReLU(),
        "leaky_relu": nn.LeakyReLU(0.2),
        "tanh": nn.Tanh(),
        "sigmoid": nn.Sigmoid(),
        "linear": nn.Identity(),
    }
    assert modules.keys() == ACTIVATIONS.keys()
    x = torch.linspace(-9, 9, 50)
    for name, module in modules.items():
        torch.testing.assert_close(activation(name)({}, {}, x.clone(), True, None), module(x))


@pytest.mark.parametrize(("fan_in", "fan_out"), [(5, 3), (5, 1), (1, 3), (1, 1)])
@pytest.mark.parametrize("bias", [True, False])
def test_linear_is_that_of_torch(fan_in, fan_out, bias):
    layer = Linear("l", fan_in, fan_out, initialiser("default", 1.0), bias=bias)
    states = [layer.init(generator(s))[0] for s in range(3)]
    assert set(states[0]) == ({"l.weight", "l.bias"} if bias else {"l.weight"})
    params = {n: torch.stack([s[n] for s in states]) for n in states[0]}
    x = torch.randn(3, 4, fan_in, generator=generator(7))
    y = layer(params, {}, x, True, None)
    for s in range(3):
        own = params["l.bias"][s] if bias else None
        torch.testing.assert_close(y[s], nn.functional.linear(x[s], params["l.weight"][s].T, own))


def test_attention_has_an_eighth_of_the_channels_inside():
    shapes = {
        n: tuple(p.shape) for n, p in SelfAttention("a", 32, initialiser("xavier", 1.0)).init(generator())[0].items()
    }
    assert shapes.pop("a.gamma") == (1,)
    assert shapes == {f"a_{part}.weight": (4, 32, 1, 1) for part in "fgh"} | {"a_v.weight": (32, 4, 1, 1)}
