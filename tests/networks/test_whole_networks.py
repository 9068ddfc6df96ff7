"""Whole networks against the same written down with torch's functions, and one seed's modules against themselves."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ganbench.core.protocols import Noise
from ganbench.networks.mlp import MLP
from ganbench.networks.modules import ModuleNet
from tests.helpers.stand_in import stand_in

SEEDS = (0, 1, 2)


def stacked(net, seeds=SEEDS):
    states = [net.init(torch.Generator().manual_seed(s)) for s in seeds]
    params, buffers = ({n: torch.stack([s[j][n] for s in states]) for n in states[0][j]} for j in (0, 1))
    return params, buffers


def plain_mlp(params, s, x, *, depth, act, pieces=1, residual=False, norm=False, head=None):
    """Linear, norm, activation or maxout, and the input added where sizes agree."""
    for i in range(depth):
        y = x @ params[f"linear{i}.weight"][s] + params[f"linear{i}.bias"][s]
        if norm:
            y = F.layer_norm(y, y.shape[-1:], params[f"norm{i}.scale"][s], params[f"norm{i}.bias"][s])
        if pieces > 1:
            y = torch.stack(y.chunk(pieces, -1)).max(0).values
        else:
            y = act(y)
        x = x + y if residual and x.shape == y.shape else y
    if head is not None:
        x = x @ params[f"{head}.weight"][s] + params[f"{head}.bias"][s]
    return x


def leaky(x):
    return F.leaky_relu(x, 0.2)


@pytest.mark.parametrize(
    ("options", "g", "d"),
    [
        ({}, {"depth": 2, "act": F.relu}, {"depth": 2, "act": leaky}),
        ({"depth": 1, "d_depth": 3}, {"depth": 1, "act": F.relu}, {"depth": 3, "act": leaky}),
        ({"d_depth": 0}, {"depth": 2, "act": F.relu}, {"depth": 0, "act": leaky}),
        ({"d_width": 6, "d_maxout": 3}, {"depth": 2, "act": F.relu}, {"depth": 2, "act": None, "pieces": 3}),
        (
            {"residual": True, "depth": 3, "activation": "tanh", "d_activation": "relu"},
            {"depth": 3, "act": torch.tanh, "residual": True},
            {"depth": 3, "act": F.relu, "residual": True},
        ),
        (
            {"norm": "layer", "d_norm": "layer"},
            {"depth": 2, "act": F.relu, "norm": True},
            {"depth": 2, "act": leaky, "norm": True},
        ),
    ],
)
def test_mlp_is_its_description(options, g, d):
    network = MLP(latent=4, width=10, **options)
    (trunk, width), generator = network.trunk((2,)), network.generator((2,))
    x, z = (torch.randn(3, 5, n, generator=torch.Generator().manual_seed(n)) for n in (2, 4))
    params, _ = stacked(generator)
    made = generator.apply(params, {}, z, training=True, noise=None)
    for s in range(3):
        torch.testing.assert_close(made[s], plain_mlp(params, s, z[s], **g, head=f"linear{g['depth']}"))
    params, _ = stacked(trunk)
    hidden = trunk.apply(params, {}, x, training=True, noise=None)
    assert hidden.shape == (3, 5, width)
    for s in range(3):
        torch.testing.assert_close(hidden[s], plain_mlp(params, s, x[s], **d))


def test_mlp_flattens_images_and_makes_them_through_tanh():
    network = MLP(latent=4, width=10, depth=1)
    generator, (trunk, _) = network.generator((1, 3, 3)), network.trunk((1, 3, 3))
    params, _ = stacked(generator)
    z = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(0)) * 30
    made = generator.apply(params, {}, z, training=True, noise=None)
    flat = plain_mlp(params, 1, z[1], depth=1, act=F.relu, head="linear1")
    torch.testing.assert_close(made[1], torch.tanh(flat).reshape(5, 1, 3, 3))
    params, _ = stacked(trunk)
    seen = trunk.apply(params, {}, made, training=True, noise=None)
    torch.testing.assert_close(seen[1], plain_mlp(params, 1, made[1].flatten(1), depth=1, act=leaky))


class Frozen(nn.Module):
    """A learnt layer on random features that are never learnt."""

    def __init__(self):
        super().__init__()
        self.features = nn.Linear(3, 4)
        self.features.requires_grad_(False)
        self.last = nn.Linear(4, 2)

    def forward(self, x):
        return self.last(torch.tanh(self.features(x)))


def test_frozen_parameters_are_each_seeds_own_and_not_trained():
    net = ModuleNet("net", Frozen, (3,))
    params, buffers = stacked(net)
    assert set(params) == {"net.last.weight", "net.last.bias"}
    assert set(buffers) == {"net.features.weight", "net.features.bias"}
    assert not torch.equal(buffers["net.features.weight"][0], buffers["net.features.weight"][1])
    x = torch.randn(3, 5, 3, generator=torch.Generator().manual_seed(1))
    y = net.apply(params, buffers, x, training=True, noise=None)
    for s in range(3):
        h = torch.tanh(F.linear(x[s], buffers["net.features.weight"][s], buffers["net.features.bias"][s]))
        expected = h @ params["net.last.weight"][s] + params["net.last.bias"][s]  # kept as [in, out]
        torch.testing.assert_close(y[s], expected)


def test_dropout_of_modules_has_a_mask_of_each_seeds_own():
    net = ModuleNet("net", lambda: nn.Sequential(nn.Dropout(0.5), nn.Identity()), (400,))
    noise = stand_in(Noise, uniform=lambda name, *shape: torch.rand(3, *shape, generator=torch.Generator()))
    ones = torch.ones(3, 5, 400)
    y = net.apply({}, {}, ones, training=True, noise=noise)
    # 2,000 fair draws a pair of seeds agree in 1,000 ± 22; beyond six of them with p = 2e-9.
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert 866 < int((y[a] == y[b]).sum()) < 1134
    assert torch.equal(net.apply({}, {}, ones, training=False, noise=None), ones)
