"""Convolutions of many seeds at once: every way against a seed's own, and the classic network at 64 pixels."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from ganbench.networks._convolution import convolve, product, way_for
from ganbench.networks.dcgan import DCGAN
from ganbench.networks.resnet import ResNet

SEEDS, BATCH = 3, 32
SHAPES = [(1, 16, 8, False), (3, 6, 8, False), (16, 1, 4, True), (6, 3, 4, True), (5, 7, 6, False), (7, 5, 6, True)]


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).requires_grad_()


@pytest.mark.parametrize("way", ["seeds", "dense"])
@pytest.mark.parametrize(("inputs", "outputs", "side", "transposed"), SHAPES)
@pytest.mark.parametrize(("kernel", "stride", "padding"), [(4, 2, 1), (3, 1, 1)])
def test_each_way_is_each_seeds_own_convolution(way, inputs, outputs, side, transposed, kernel, stride, padding):
    x = random(SEEDS, BATCH, inputs, side, side)
    first, second = (inputs, outputs) if transposed else (outputs, inputs)
    weight = random(SEEDS, first, second, kernel, kernel, seed=1)
    options = {"stride": stride, "padding": padding}
    y = convolve(x.flatten(0, 1), weight, **options, transposed=transposed, way=way)
    one = F.conv_transpose2d if transposed else F.conv2d
    wanted = torch.cat([one(x[s], weight[s], **options) for s in range(SEEDS)])
    torch.testing.assert_close(y, wanted, rtol=1e-12, atol=1e-12)
    out = torch.sin(torch.arange(y.numel(), dtype=torch.float64)).view_as(y)
    for found, right in zip(
        torch.autograd.grad((y * out).sum(), (x, weight)),
        torch.autograd.grad((wanted * out).sum(), (x, weight)),
        strict=True,
    ):
        torch.testing.assert_close(found, right, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("inputs", "outputs", "side"), [(16, 3, 8), (5, 1, 8), (4, 3, 5), (1, 2, 16)])
def test_a_transposed_one_is_a_plain_one_of_the_phases(inputs, outputs, side, bias):
    x, weight = random(SEEDS, BATCH, inputs, side, side + 1), random(SEEDS, inputs, outputs, 4, 4, seed=1)
    biases = random(SEEDS, outputs, seed=2) if bias else None
    given = (x, weight) if biases is None else (x, weight, biases)
    y = convolve(x.flatten(0, 1), weight, biases, stride=2, padding=1, transposed=True, way="phases")
    each = [(x[s], weight[s], None if biases is None else biases[s]) for s in range(SEEDS)]
    wanted = torch.cat([F.conv_transpose2d(*one, stride=2, padding=1) for one in each])
    torch.testing.assert_close(y, wanted, rtol=1e-12, atol=1e-12)
    for found, right in zip(
        torch.autograd.grad(y.sin().sum(), given), torch.autograd.grad(wanted.sin().sum(), given), strict=True
    ):
        torch.testing.assert_close(found, right, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("inputs", "outputs", "side"), [(16, 2, 4), (8, 1, 8), (3, 5, 7), (1, 4, 4), (64, 128, 16)])
def test_a_kernel_of_one_place_is_a_product(inputs, outputs, side, bias):
    x, weight = random(SEEDS, BATCH, inputs, side, side), random(SEEDS, outputs, inputs, 1, 1, seed=1)
    biases = random(SEEDS, outputs, seed=2) if bias else None
    given = (x, weight) if biases is None else (x, weight, biases)
    y = convolve(x.flatten(0, 1), weight, biases, stride=1, padding=0, transposed=False, way="pointwise")
    wanted = torch.cat([F.conv2d(x[s], weight[s], None if biases is None else biases[s]) for s in range(SEEDS)])
    torch.testing.assert_close(y, wanted, rtol=1e-12, atol=1e-12)
    for found, right in zip(
        torch.autograd.grad(y.sin().sum(), given), torch.autograd.grad(wanted.sin().sum(), given), strict=True
    ):
        torch.testing.assert_close(found, right, rtol=1e-10, atol=1e-10)


# Way, in, out, side, kernel, stride, transposed: on one channel and on few, where products are matrices of one row.
INVARIANT = [
    *(("dense", *shape) for shape in ((1, 16, 8, 4, 2, False), (3, 6, 8, 4, 2, False), (16, 1, 4, 4, 2, True))),
    *(
        ("dense", *shape)
        for shape in ((1, 1, 4, 3, 1, False), (1, 4, 8, 4, 2, False), (5, 10, 4, 4, 2, False), (10, 5, 2, 4, 2, True))
    ),
    *(("seeds", *shape) for shape in ((3, 16, 32, 4, 2, False), (16, 3, 16, 4, 2, True), (5, 5, 8, 3, 1, False))),
    *(("pointwise", *shape, 1, 1, False) for shape in ((1, 1, 4), (1, 4, 8), (8, 1, 4), (16, 2, 8), (64, 96, 16))),
    *(("phases", *shape, 4, 2, True) for shape in ((16, 3, 16), (8, 1, 8), (1, 3, 8))),
    *(("seeds", *shape) for shape in ((16, 16, 16, 3, 1, False), (3, 8, 32, 3, 1, False), (5, 1, 16, 1, 1, False))),
]


@pytest.mark.parametrize(("way", "inputs", "outputs", "side", "kernel", "stride", "transposed"), INVARIANT)
def test_a_seed_has_the_same_bits_alone_and_packed(way, inputs, outputs, side, kernel, stride, transposed):
    x = random(SEEDS, BATCH, inputs, side, side).detach().float()
    shape = (inputs, outputs) if transposed else (outputs, inputs)
    weight = random(SEEDS, *shape, kernel, kernel, seed=1).detach().float()
    bias = random(SEEDS, outputs, seed=2).detach().float()
    options = {"stride": stride, "padding": kernel // 2 if kernel < 4 else 1, "transposed": transposed, "way": way}

    def with_gradients(*tensors):
        images, *others = (t.clone().requires_grad_() for t in tensors)
        y = convolve(images.flatten(0, 1), *others, **options)
        return y.detach(), *torch.autograd.grad(y.square().sum(), (images, *others))

    y, of_images, of_kernels, of_biases = with_gradients(x, weight, bias)
    for s in range(SEEDS):
        alone = with_gradients(x[s : s + 1], weight[s : s + 1], bias[s : s + 1])
        assert torch.equal(y[s * BATCH : (s + 1) * BATCH], alone[0])
        assert torch.equal(of_images[s], alone[1][0])
        assert torch.equal(of_kernels[s], alone[2][0])
        assert torch.equal(of_biases[s], alone[3][0])


@pytest.mark.parametrize(("m", "k", "n"), [(1, 40, 64), (64, 32, 1), (16, 1, 40), (8, 8, 8)])
def test_a_product_has_the_same_bits_alone_and_packed(m, k, n):
    a, b = random(SEEDS, m, k).detach().float(), random(SEEDS, k, n, seed=1).detach().float()
    torch.testing.assert_close(product(a, b), a @ b, rtol=1e-5, atol=1e-5)
    assert all(torch.equal(product(a, b)[s], product(a[s : s + 1], b[s : s + 1])[0]) for s in range(SEEDS))


def test_channels_last_go_on_to_the_next_layer():
    x, weight = random(2 * 4, 3, 16, 16), random(2, 5, 3, 3, 3, seed=1)
    for way in ("seeds", "dense"):
        y = convolve(x, weight, stride=1, padding=1, transposed=False, way=way)
        assert y.is_contiguous(memory_format=torch.channels_last)
    y = convolve(x, weight[..., :1, :1], stride=1, padding=0, transposed=False, way="pointwise")
    assert y.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    ("channels", "side", "kernel", "stride", "transposed", "way"),
    [
        ((1, 16), 8, 4, 2, False, "dense"),
        ((16, 1), 4, 4, 2, True, "dense"),
        ((16, 32), 4, 4, 2, False, "dense"),
        ((32, 16), 2, 4, 2, True, "dense"),
        ((16, 16), 4, 3, 1, False, "dense"),
        ((16, 16), 4, 1, 1, False, "pointwise"),
        ((128, 16), 8, 1, 1, False, "pointwise"),
        ((64, 64), 8, 1, 1, False, "seeds"),
        ((3, 6), 8, 1, 1, False, "seeds"),
        ((6, 3), 8, 1, 1, False, "pointwise"),
        ((16, 2), 16, 1, 1, False, "seeds"),
        ((16, 16), 8, 3, 1, False, "seeds"),
        ((32, 64), 8, 4, 2, False, "seeds"),
        ((3, 16), 32, 4, 2, False, "seeds"),
        ((16, 3), 16, 4, 2, True, "phases"),
        ((16, 3), 4, 4, 2, True, "dense"),
        ((32, 16), 8, 4, 2, True, "seeds"),
        ((16, 16), 16, 3, 1, False, "seeds"),
    ],
)
def test_the_rule_is_the_measured_one(channels, side, kernel, stride, transposed, way):
    options = {"kernel": kernel, "stride": stride, "transposed": transposed}
    assert way_for(channels, side, **options, device="cpu") == way
    assert way_for(channels, side, **options, device="cuda") == "seeds"
    assert way_for(channels, 4, **options, device="cpu", groups=2) == "seeds"


@pytest.mark.parametrize("network", [DCGAN(latent=100, channels=2, d_norm="batch"), ResNet(channels=4)])
def test_sixty_four_pixels(network):
    shape = (3, 64, 64)
    state = network.generator(shape).init(torch.Generator().manual_seed(0))
    params, buffers = ({n: torch.stack([t, t]) for n, t in part.items()} for part in state)
    z = torch.randn(2, 4, network.latent, generator=torch.Generator().manual_seed(1))
    images = network.generator(shape).apply(params, buffers, z, training=True, noise=None)
    assert images.shape == (2, 4, *shape)
    trunk, width = network.trunk(shape)
    params, buffers = ({n: torch.stack([t, t]) for n, t in p.items()} for p in trunk.init(torch.Generator()))
    assert trunk.apply(params, buffers, images.detach(), training=True, noise=None).shape == (2, 4, width)


def test_the_classic_network_has_the_papers_maps():
    """Radford et al. 2016, figure 1: 4×4×1024, 512, 256, 128 and the image; the critic is its mirror."""
    network = DCGAN(latent=100, channels=128, d_norm="batch")
    params, _ = network.generator((3, 64, 64)).init(torch.Generator())
    shapes = {n: tuple(w.shape) for n, w in params.items()}
    assert shapes["linear.weight"] == (100, 1024 * 16)
    convolutions = [shapes[f"conv{i}.weight"] for i in range(4)]
    assert convolutions == [(1024, 512, 4, 4), (512, 256, 4, 4), (256, 128, 4, 4), (128, 3, 4, 4)]
    assert network.trunk((3, 64, 64))[1] == 1024 * 16
