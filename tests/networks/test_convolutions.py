"""Convolutions of many seeds at once: every way against a seed's own, and the classic network at 64 pixels."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from ganbench.networks._convolution import convolve, fastest
from ganbench.networks.dcgan import DCGAN
from ganbench.networks.resnet import ResNet
from tests.engine import Trainer
from tests.helpers.trials import small_trial

SEEDS, BATCH = 3, 32
SHAPES = [(1, 16, 8, False), (3, 6, 8, False), (16, 1, 4, True), (6, 3, 4, True), (5, 7, 6, False), (7, 5, 6, True)]


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).requires_grad_()


@pytest.mark.parametrize("way", ["grouped", "last", "loop", "columns"])
@pytest.mark.parametrize(("inputs", "outputs", "side", "transposed"), SHAPES)
@pytest.mark.parametrize(("kernel", "stride", "padding"), [(4, 2, 1), (3, 1, 1)])
def test_each_way_is_each_seeds_own_convolution(way, inputs, outputs, side, transposed, kernel, stride, padding):
    x = random(BATCH, SEEDS, inputs, side, side)
    first, second = (inputs, outputs) if transposed else (outputs, inputs)
    weight = random(SEEDS, first, second, kernel, kernel, seed=1)
    options = {"stride": stride, "padding": padding}
    y = convolve(x.flatten(1, 2), weight, **options, transposed=transposed, way=way)
    one = F.conv_transpose2d if transposed else F.conv2d
    wanted = torch.cat([one(x[:, s], weight[s], **options) for s in range(SEEDS)], dim=1)
    torch.testing.assert_close(y, wanted, rtol=1e-12, atol=1e-12)
    out = torch.sin(torch.arange(y.numel(), dtype=torch.float64)).view_as(y)
    for found, right in zip(
        torch.autograd.grad((y * out).sum(), (x, weight)),
        torch.autograd.grad((wanted * out).sum(), (x, weight)),
        strict=True,
    ):
        torch.testing.assert_close(found, right, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("inputs", "outputs", "side", "transposed"), SHAPES[:4])
def test_columns_have_the_same_bits_alone_and_in_company(inputs, outputs, side, transposed):
    x = random(BATCH, SEEDS, inputs, side, side).detach().float()
    shape = (inputs, outputs) if transposed else (outputs, inputs)
    weight = random(SEEDS, *shape, 4, 4, seed=1).detach().float()
    options = {"stride": 2, "padding": 1, "transposed": transposed, "way": "columns"}
    together = convolve(x.flatten(1, 2), weight, **options)
    alone = [convolve(x[:, s], weight[s : s + 1], **options) for s in range(SEEDS)]
    assert torch.equal(together, torch.cat(alone, dim=1))


WIDE = [(3, 16, 32, 4, 2, False), (16, 3, 16, 4, 2, True), (16, 16, 16, 3, 1, False), (3, 8, 32, 3, 1, False)]


@pytest.mark.parametrize(("inputs", "outputs", "side", "kernel", "stride", "transposed"), WIDE)
def test_a_loop_has_the_same_bits_alone_and_in_company(inputs, outputs, side, kernel, stride, transposed):
    x = random(BATCH, SEEDS, inputs, side, side).detach().float()
    shape = (inputs, outputs) if transposed else (outputs, inputs)
    weight = random(SEEDS, *shape, kernel, kernel, seed=1).detach().float()
    options = {"stride": stride, "padding": 1, "transposed": transposed, "way": "loop"}

    def with_gradients(images, kernels):
        images, kernels = images.clone().requires_grad_(), kernels.clone().requires_grad_()
        y = convolve(images.flatten(1, 2), kernels, **options)
        return y.detach(), *torch.autograd.grad(y.square().sum(), (images, kernels))

    y, of_images, of_kernels = with_gradients(x, weight)
    for s in range(SEEDS):
        alone = with_gradients(x[:, s : s + 1], weight[s : s + 1])
        assert torch.equal(y[:, s * outputs : (s + 1) * outputs], alone[0])
        assert torch.equal(of_images[:, s], alone[1][:, 0])
        assert torch.equal(of_kernels[s], alone[2][0])


@pytest.mark.parametrize("options", [{"d_norm": "batch"}, {}], ids=["batch norm", "plain"])
def test_a_dcgan_at_32_pixels_has_the_same_bits_alone_and_in_company(options):
    weights = []
    for seeds in ((0, 1, 2), (2,)):
        changes = {"dataset": ("shapes", {"size": 32}), "network": ("dcgan", {"channels": 8, **options})}
        trial = small_trial(**changes, seeds=seeds, batch=32, steps=3, evaluate_every=3, log_every=1, samples=20)
        trainer = Trainer(trial)
        trainer.advance(float("inf"))
        weights.append((trainer.g.flat[-1], trainer.d.flat[-1]))
    assert all(torch.equal(here, there) for here, there in zip(*weights, strict=True))


def test_channels_last_go_on_to_the_next_layer():
    x, weight = random(4, 2 * 3, 16, 16), random(2, 5, 3, 3, 3, seed=1)
    y = convolve(x, weight, stride=1, padding=1, transposed=False, way="last")
    assert y.is_contiguous(memory_format=torch.channels_last)


def test_the_rule_is_the_measured_one():
    assert fastest((1, 16), 8, 2, False, "cpu") == fastest((16, 1), 4, 2, True, "cpu") == "columns"
    assert fastest((16, 32), 4, 2, False, "cpu") == fastest((16, 1), 8, 1, False, "cpu") == "grouped"
    assert fastest((64, 32), 8, 2, True, "cpu") == fastest((3, 16), 32, 2, False, "cpu") == "loop"
    assert fastest((16, 16), 16, 1, False, "cpu") == fastest((3, 16), 32, 1, False, "cpu") == "last"
    assert fastest((3, 16), 32, 2, False, "cuda") == "grouped"


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
