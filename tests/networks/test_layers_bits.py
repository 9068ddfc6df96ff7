"""A seed's numbers do not depend on how many others are beside it: bit for bit, for every shape the layers meet."""

from __future__ import annotations

import itertools

import pytest
import torch

from ganbench.networks._images import Conv
from ganbench.networks._initialisers import initialiser
from ganbench.networks._layers import Linear
from ganbench.networks._norms import BatchNorm, ImageBatchNorm


def stacked(layer, seeds):
    states = [layer.init(torch.Generator().manual_seed(s)) for s in seeds]
    return [{k: torch.stack([s[j][k] for s in states]) for k in states[0][j]} for j in (0, 1)]


def forward_and_gradients(layer, seeds, x):
    params, buffers = stacked(layer, seeds)
    for p in params.values():
        p.requires_grad_()
    x = x.clone().requires_grad_()
    y = layer(params, buffers, x, True, None)
    weight = torch.linspace(-1, 1, y[:1].numel()).reshape(y[:1].shape) if y.dim() == 3 else torch.ones_like(y)
    return [y, *torch.autograd.grad((y * weight).sum(), [x, *params.values()])]


@pytest.mark.parametrize(
    ("batch", "fan_in", "fan_out"), list(itertools.product((1, 50, 64, 128, 256), (1, 2, 8, 64, 128), (1, 2, 64, 128)))
)
def test_linear(batch, fan_in, fan_out):
    layer = Linear("l", fan_in, fan_out, initialiser("default", 1.0))
    x = torch.randn(5, batch, fan_in, generator=torch.Generator().manual_seed(0))
    for many, one in zip(
        forward_and_gradients(layer, range(5), x), forward_and_gradients(layer, [2], x[2:3]), strict=True
    ):
        assert torch.equal(many[2], one[0])


@pytest.mark.parametrize("features", [1, 64])
def test_batch_norm_is_that_of_torch(features):
    layer = BatchNorm("n", features)
    params, buffers = stacked(layer, range(3))
    x = torch.randn(3, 32, features, generator=torch.Generator().manual_seed(1)) * 3 + 1
    layer(params, buffers, x, True, None)
    y = layer(params, buffers, x, True, None)
    for s in range(3):
        reference = torch.nn.BatchNorm1d(features)
        reference(x[s])
        expected = reference(x[s])
        torch.testing.assert_close(y[s], expected, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(buffers["n.running_mean"][s], reference.running_mean, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(buffers["n.running_var"][s], reference.running_var, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(
            layer(params, buffers, x, False, None)[s], reference.eval()(x[s]), rtol=1e-5, atol=1e-5
        )


@pytest.mark.parametrize("transposed", [False, True])
def test_convolution_is_that_of_torch(transposed):
    layer = Conv("c", (3, 5), initialiser("he", 1.0), transposed=transposed)
    params, buffers = stacked(layer, range(4))
    x = torch.randn(4, 6, 3, 8, 8, generator=torch.Generator().manual_seed(2))
    y = layer(params, buffers, x.flatten(0, 1), True, None).unflatten(0, x.shape[:2])
    operation = torch.nn.functional.conv_transpose2d if transposed else torch.nn.functional.conv2d
    for s in range(4):
        expected = operation(x[s], params["c.weight"][s], params["c.bias"][s], stride=2, padding=1)
        torch.testing.assert_close(y[s], expected, rtol=1e-4, atol=1e-5)


def test_image_batch_norm_is_that_of_torch():
    layer = ImageBatchNorm("n", 3)
    params, buffers = stacked(layer, range(2))
    x = torch.randn(2, 16, 3, 4, 4, generator=torch.Generator().manual_seed(3)) * 2 + 1
    y = layer(params, buffers, x.flatten(0, 1), True, None).unflatten(0, x.shape[:2])
    for s in range(2):
        reference = torch.nn.BatchNorm2d(3)
        torch.testing.assert_close(y[s], reference(x[s]), rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(buffers["n.running_var"][s], reference.running_var, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (5, 3, 2, 2)])
def test_orthogonal_weights_are_orthogonal(shape):
    weight, _ = initialiser("orthogonal", 1.0)(shape, shape[0], shape[1], torch.Generator().manual_seed(0))
    matrix = weight.reshape(shape[0], -1)
    gram = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    torch.testing.assert_close(gram, torch.eye(len(gram)), rtol=1e-5, atol=1e-5)
