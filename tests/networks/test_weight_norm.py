"""Weight norm of linear layers and convolutions, both ways and at its start: torch's own is the oracle."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ganbench.networks._images import Conv
from ganbench.networks._initialisers import initialiser
from ganbench.networks._layers import Linear, Sequential
from ganbench.networks._options import WeightNormed
from ganbench.networks.dcgan import DCGAN

SEEDS = (0, 1, 2)
START = initialiser("he", 1.0)
# No two axes are of one size, so that a sum over the wrong one cannot pass.
KINDS = {
    "linear": (Linear("l", 7, 5, START), lambda: nn.Linear(7, 5), (3, 4, 7)),
    "one output": (Linear("l", 7, 1, START), lambda: nn.Linear(7, 1), (3, 4, 7)),
    "convolution": (
        Conv("l", (2, 5), START, kernel=3, stride=1, padding=1),
        lambda: nn.Conv2d(2, 5, 3, padding=1),
        (3, 4, 2, 6, 7),
    ),
    "strided convolution": (Conv("l", (2, 5), START), lambda: nn.Conv2d(2, 5, 4, 2, 1), (3, 4, 2, 6, 8)),
}


def stacked(net, spread):
    states = [net.init(torch.Generator().manual_seed(s))[0] for s in SEEDS]
    params = {}
    for name in states[0]:
        p = torch.stack([s[name] for s in states])
        params[name] = p + spread * torch.randn(p.shape, generator=torch.Generator().manual_seed(9))
    return {n: p.double().requires_grad_() for n, p in params.items()}


def forward(net, params, x, image):
    y = net.apply(params, {}, x.flatten(0, 1) if image else x, training=True, noise=None)
    return y.unflatten(0, x.shape[:2]) if image else y


def as_torch(tensor, linear):
    """Return a weight or a gain with the output first, as torch has it."""
    return tensor.T if linear else tensor


@pytest.mark.parametrize("kind", KINDS)
def test_is_that_of_torch(kind):
    layer, make, shape = KINDS[kind]
    net, image = WeightNormed(Sequential([layer])), len(shape) == 5
    params = stacked(net, 0.2)
    x = torch.randn(shape, generator=torch.Generator().manual_seed(3)).double()
    y = forward(net, params, x, image)
    gradients = dict(zip(params, torch.autograd.grad(y.square().sum(), list(params.values())), strict=True))
    for s in range(len(SEEDS)):
        reference = nn.utils.parametrizations.weight_norm(make().double())
        torch_params = dict(reference.named_parameters())
        gain, v = (torch_params[f"parametrizations.weight.original{i}"] for i in (0, 1))
        with torch.no_grad():
            torch_params["bias"].copy_(params["l.bias"][s])
            gain.copy_(as_torch(params["l.gain"][s], not image))
            v.copy_(as_torch(params["l.weight"][s], not image))
        expected = reference(x[s])
        torch.testing.assert_close(y[s], expected)
        expected.square().sum().backward()
        torch.testing.assert_close(as_torch(gradients["l.gain"][s], not image), gain.grad)
        torch.testing.assert_close(as_torch(gradients["l.weight"][s], not image), v.grad)


@pytest.mark.parametrize("kind", KINDS)
def test_starts_where_the_plain_layer_does_with_gains_of_the_lengths(kind):
    layer, make, shape = KINDS[kind]
    image, x = len(shape) == 5, torch.randn(shape, generator=torch.Generator().manual_seed(3)).double()
    params = stacked(WeightNormed(Sequential([layer])), 0.0)
    plain = {name: p for name, p in params.items() if name != "l.gain"}
    torch.testing.assert_close(
        forward(WeightNormed(Sequential([layer])), params, x, image), forward(Sequential([layer]), plain, x, image)
    )
    start = dict(nn.utils.parametrizations.weight_norm(make().double()).named_parameters())
    for s in range(len(SEEDS)):
        assert as_torch(params["l.gain"][s], not image).shape == start["parametrizations.weight.original0"].shape
        rows = as_torch(params["l.weight"][s], not image).flatten(1)
        assert params["l.gain"][s].flatten().tolist() == pytest.approx([r.norm().item() for r in rows], rel=1e-6)


def test_every_weight_of_a_discriminator_has_a_gain_an_output():
    trunk, width = DCGAN(channels=3, d_weight_norm=True, attention=True).trunk((3, 8, 8))
    params, _ = trunk.init(torch.Generator().manual_seed(0))
    params |= DCGAN(d_weight_norm=True).head(width).init(torch.Generator().manual_seed(0))[0]
    weights = {name for name in params if name.endswith(".weight")}
    assert {name.replace(".gain", ".weight") for name in params if name.endswith(".gain")} == weights
    for name in weights:
        outputs = params[name].shape[1 if params[name].dim() == 2 else 0]
        assert params[name.replace(".weight", ".gain")].numel() == outputs
