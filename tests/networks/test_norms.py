"""Norms, maxout, residual layers, weight norm and attention: torch's own modules, seed by seed, are the oracle."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ganbench.core.protocols import Noise
from ganbench.networks._attention import SelfAttention
from ganbench.networks._images import ImageDropout, downsample, upsample
from ganbench.networks._initialisers import initialiser
from ganbench.networks._layers import Linear, Residual, Sequential, activation, maxout
from ganbench.networks._norms import BatchNorm, ImageBatchNorm, ImageInstanceNorm, ImageLayerNorm, LayerNorm
from ganbench.networks._options import WeightNormed
from ganbench.networks._virtual import ROWS, ImageVirtualBatchNorm, Reference, VirtualBatchNorm, without_reference
from tests.helpers.stand_in import stand_in

SEEDS = (0, 1, 2, 3, 4)
POINTS, IMAGES = (len(SEEDS), 32, 24), (len(SEEDS), 32, 8, 4, 4)


def stacked(net, seeds=SEEDS, spread=0.3):
    """Return a net's parameters and buffers, scales and biases moved away from where they start."""
    states = [net.init(torch.Generator().manual_seed(s)) for s in seeds]
    params, buffers = ({k: torch.stack([s[j][k] for s in states]) for k in states[0][j]} for j in (0, 1))
    for name, p in params.items():
        noise = [torch.randn(p.shape[1:], generator=torch.Generator().manual_seed(100 + s)) for s in seeds]
        params[name] = (p + spread * torch.stack(noise)).requires_grad_()
    return params, buffers


def inputs(shape, seed=7):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 2 + 1


def close(a, b, tolerance=1e-5):
    torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance)


POINT_LAYERS = {
    "batch": BatchNorm("n", 24),
    "layer": LayerNorm("n", 24),
    "virtual": Sequential([Reference(24), VirtualBatchNorm("n", 24), without_reference()]),
    "residual": Residual([Linear("l", 24, 24, initialiser("he", 1.0)), activation("leaky_relu")]),
    "maxout": Sequential([Linear("l", 24, 60, initialiser("he", 1.0)), maxout(5)]),
    "weight norm": WeightNormed(Sequential([Linear("l", 24, 16, initialiser("he", 1.0))])),
}
IMAGE_LAYERS = {
    "batch": ImageBatchNorm("n", 8),
    "layer": ImageLayerNorm("n", 8),
    "instance": ImageInstanceNorm("n", 8),
    "attention": SelfAttention("a", 8, initialiser("xavier", 1.0)),
}


def run(layer, seeds, x, image):
    params, buffers = stacked(layer, seeds)
    x = x.clone().requires_grad_()
    seen = x.flatten(0, 1) if image else x
    if hasattr(layer, "apply"):
        y = layer.apply(params, buffers, seen, training=True, noise=None)
    else:
        y = layer(params, buffers, seen, True, None)
    y = y.unflatten(0, x.shape[:2]) if image else y
    weight = torch.linspace(-1, 1, y[0].numel()).reshape(y[0].shape)
    return [y, *torch.autograd.grad((y * weight).sum(), [x, *params.values()]), *buffers.values()]


@pytest.mark.parametrize("name", POINT_LAYERS)
def test_points_are_the_same_bits_in_company(name):
    x = inputs(POINTS)
    for many, one in zip(
        run(POINT_LAYERS[name], SEEDS, x, False), run(POINT_LAYERS[name], SEEDS[2:3], x[2:3], False), strict=True
    ):
        assert torch.equal(many[2], one[0])


@pytest.mark.parametrize("name", IMAGE_LAYERS)
def test_images_are_the_same_bits_in_company(name):
    x = inputs(IMAGES)
    for many, one in zip(
        run(IMAGE_LAYERS[name], SEEDS, x, True), run(IMAGE_LAYERS[name], SEEDS[2:3], x[2:3], True), strict=True
    ):
        assert torch.equal(many[2], one[0])


def module_with(module, params, s, scale="n.scale", bias="n.bias"):
    with torch.no_grad():
        module.weight.copy_(params[scale][s])
        module.bias.copy_(params[bias][s])
    return module


def test_layer_norm_is_that_of_torch():
    layer, x = LayerNorm("n", 24), inputs(POINTS)
    params, _ = stacked(layer)
    y = layer(params, {}, x, True, None)
    for s in range(len(SEEDS)):
        close(y[s], module_with(nn.LayerNorm(24), params, s)(x[s]))


@pytest.mark.parametrize(
    ("layer", "module"),
    [
        (ImageLayerNorm("n", 8), lambda: nn.GroupNorm(1, 8)),
        (ImageInstanceNorm("n", 8), lambda: nn.InstanceNorm2d(8, affine=True)),
    ],
)
def test_image_norms_are_those_of_torch(layer, module):
    x = inputs(IMAGES)
    params, _ = stacked(layer)
    for training in (True, False):
        y = layer(params, {}, x.flatten(0, 1), training, None).view_as(x)
        for s in range(len(SEEDS)):
            close(y[s], module_with(module(), params, s)(x[s]))


@pytest.mark.parametrize(
    ("layer", "shape"), [(VirtualBatchNorm("n", 24), POINTS), (ImageVirtualBatchNorm("n", 8), IMAGES)]
)
def test_virtual_batch_norm_is_batch_norm_over_reference_and_sample(layer, shape):
    """The plain way: torch's batch norm over the reference and one sample at a time, whose row is kept."""
    image = len(shape) == 5
    x, reference = inputs(shape), inputs((shape[0], ROWS, *shape[2:]), seed=8)
    params, _ = stacked(layer)
    joined = torch.cat((x, reference), dim=1)
    y = layer(params, {}, joined.flatten(0, 1) if image else joined, True, None)
    y = y.view_as(joined)
    for s in range(2):
        norm = module_with((nn.BatchNorm2d if image else nn.BatchNorm1d)(shape[2]), params, s)
        close(y[s, -ROWS:], norm(reference[s]), 1e-4)
        for b in range(3):
            close(y[s, b], norm(torch.cat((reference[s], x[s, b : b + 1])))[-1], 1e-4)


def test_virtual_batch_norm_does_not_couple_samples():
    net = POINT_LAYERS["virtual"]
    params, buffers = stacked(net)
    x = inputs(POINTS).requires_grad_()
    (gradient,) = torch.autograd.grad(net.apply(params, buffers, x, training=True, noise=None)[:, 3].square().sum(), x)
    assert gradient[:, 3].abs().min() > 0
    gradient[:, 3] = 0
    assert not gradient.any()


def test_weight_norm_is_that_of_torch():
    linear = Linear("l", 24, 16, initialiser("he", 1.0))
    net, x = WeightNormed(Sequential([linear])), inputs(POINTS)
    params, _ = stacked(net)
    y = net.apply(params, {}, x, training=True, noise=None)
    (gain, v) = torch.autograd.grad(y.square().sum(), [params["l.gain"], params["l.weight"]])
    for s in range(len(SEEDS)):
        reference = nn.utils.parametrizations.weight_norm(nn.Linear(24, 16))
        with torch.no_grad():
            torch_params = dict(reference.named_parameters())
            gain_of, v_of = (torch_params[f"parametrizations.weight.original{i}"] for i in (0, 1))
            torch_params["bias"].copy_(params["l.bias"][s])
            gain_of.copy_(params["l.gain"][s].T)
            v_of.copy_(params["l.weight"][s].T)
        expected = reference(x[s])
        close(y[s], expected, 1e-4)
        expected.square().sum().backward()
        close(gain[s].T, gain_of.grad, 1e-3)
        close(v[s].T, v_of.grad, 1e-3)


def test_weight_norm_starts_as_the_plain_network():
    plain = Sequential([Linear("l", 24, 16, initialiser("he", 1.0))])
    x = inputs(POINTS)
    a, b = stacked(plain, spread=0.0), stacked(WeightNormed(plain), spread=0.0)
    close(
        WeightNormed(plain).apply(*b, x, training=True, noise=None), plain.apply(*a, x, training=True, noise=None), 1e-5
    )


def test_maxout_is_the_largest_of_its_linear_pieces():
    layer = Linear("l", 24, 60, initialiser("he", 1.0))
    params, _ = stacked(layer)
    x = inputs(POINTS)
    y = maxout(5)({}, {}, layer(params, {}, x, True, None), True, None)
    pieces = [
        [nn.functional.linear(x[s], w.T, b) for w, b in zip(weight.split(12, -1), bias.split(12), strict=True)]
        for s, (weight, bias) in enumerate(zip(params["l.weight"], params["l.bias"], strict=True))
    ]
    for s in range(len(SEEDS)):
        close(y[s], torch.stack(pieces[s]).max(0).values)


def test_residual_adds_its_input_and_leaves_it_alone():
    linear = Linear("l", 24, 24, initialiser("he", 1.0))
    params, _ = stacked(linear)
    x = inputs(POINTS)
    before = x.clone()
    y = Residual([linear, activation("relu")])(params, {}, x, True, None)
    assert torch.equal(x, before)
    close(y, x + linear(params, {}, x, True, None).relu())


def test_attention_is_that_of_the_paper():
    """Equations 1 to 3, place by place, with torch's own 1×1 convolutions."""
    layer, x = SelfAttention("a", 8, initialiser("xavier", 1.0)), inputs(IMAGES) / 2
    params, _ = stacked(layer)
    y = layer(params, {}, x.flatten(0, 1), True, None).unflatten(0, x.shape[:2])
    for s in range(2):
        f, g, h, v = (
            nn.functional.conv2d(x[s], params[f"a_{part}.weight"][s]) if part != "v" else None for part in "fghv"
        )
        score = torch.einsum("bchw,bcxy->bhwxy", f, g)  # s_ij = f(x_i)·g(x_j)
        share = score.flatten(1, 2).softmax(1).unflatten(1, (4, 4))  # over i
        seen = torch.einsum("bhwxy,bchw->bcxy", share, h)
        expected = x[s] + params["a.gamma"][s] * nn.functional.conv2d(seen, params["a_v.weight"][s])
        close(y[s], expected, 1e-4)


def test_attention_starts_as_the_identity():
    layer, x = SelfAttention("a", 8, initialiser("xavier", 1.0)), inputs(IMAGES)
    params, _ = stacked(layer, spread=0.0)
    assert torch.equal(layer(params, {}, x.flatten(0, 1), True, None), x.flatten(0, 1))


def test_resampling_is_that_of_torch():
    x = inputs(IMAGES)
    larger, smaller = (
        f()({}, {}, x.flatten(0, 1), True, None).unflatten(0, x.shape[:2]) for f in (upsample, downsample)
    )
    for s in range(2):
        close(larger[s], nn.Upsample(scale_factor=2)(x[s]))
        close(smaller[s], nn.AvgPool2d(2)(x[s]))


def test_image_dropout_masks_places_with_the_seeds_own_numbers():
    def uniform(name, *shape):
        return torch.linspace(0, 1, len(SEEDS) * 32 * 128).reshape(len(SEEDS), *shape)

    x, noise = torch.ones(IMAGES), stand_in(Noise, uniform=uniform)
    params = {"weight": torch.ones(len(SEEDS))}  # which say how many seeds there are
    y = ImageDropout("d", 0.25)(params, {}, x.flatten(0, 1), True, noise).unflatten(0, x.shape[:2])
    expected = (uniform("d", *IMAGES[1:]) >= 0.25) / 0.75
    close(y, expected)
    assert torch.equal(ImageDropout("d", 0.25)(params, {}, x.flatten(0, 1), False, noise), x.flatten(0, 1))
