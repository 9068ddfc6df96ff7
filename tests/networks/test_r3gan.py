"""R3GAN's network against the same written down with torch's own functions, and how it starts."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from ganbench.networks._convolution import convolve
from ganbench.networks.r3gan import R3GAN
from ganbench.suite.plan import incompatibility
from tests.helpers.trials import small_trial

SEEDS = 2


def states(net, blur=0.0):
    """Stacked parameters; `blur` moves all of them, so that no branch is silent."""
    generators = [torch.Generator().manual_seed(s) for s in range(SEEDS)]
    each = [net.init(g)[0] for g in generators]
    return {
        n: torch.stack(
            [p[n] + blur * torch.randn(p[n].shape, generator=g) for p, g in zip(each, generators, strict=True)]
        )
        for n in each[0]
    }


def residual(p, name, x, groups):
    """One block by torch's convolutions."""
    h = F.leaky_relu(F.conv2d(x, p[f"{name}_conv0.weight"], p[f"{name}_conv0.bias"]), 0.2)
    h = F.leaky_relu(F.conv2d(h, p[f"{name}_conv1.weight"], p[f"{name}_conv1.bias"], padding=1, groups=groups), 0.2)
    return x + F.conv2d(h, p[f"{name}_conv2.weight"])


@pytest.mark.parametrize(("size", "blocks", "group"), [(8, 1, 4), (16, 2, 8), (32, 1, 16)])
def test_both_players_are_their_description(size, blocks, group):
    network, shape = R3GAN(latent=5, channels=8, blocks=blocks, group_width=group), (3, size, size)
    stages, groups = size.bit_length() - 2, 16 // group
    generator, (trunk, width) = network.generator(shape), network.trunk(shape)
    params, z = states(generator, 0.1), torch.randn(SEEDS, 4, 5, generator=torch.Generator().manual_seed(7))
    images = generator.apply(params, {}, z, training=True, noise=None)
    for s in range(SEEDS):
        p = {n: t[s] for n, t in params.items()}
        x = (z[s] @ p["linear.weight"])[:, :, None, None] * p["basis.weight"]
        for i in range(stages):
            x = F.interpolate(x, scale_factor=2, mode="bilinear") if i else x
            for b in range(blocks):
                x = residual(p, f"stage{i}_block{b}", x, groups)
        torch.testing.assert_close(images[s], F.conv2d(x, p["colours.weight"]), rtol=1e-4, atol=1e-4)
    params = states(trunk, 0.1)
    hidden = trunk.apply(params, {}, images, training=True, noise=None)
    assert hidden.shape == (SEEDS, 4, width)
    for s in range(SEEDS):
        p = {n: t[s] for n, t in params.items()}
        x = F.conv2d(images[s], p["colours.weight"])
        for i in range(stages):
            x = F.avg_pool2d(x, 2) if i else x
            for b in range(blocks):
                x = residual(p, f"stage{i}_block{b}", x, groups)
        x = F.conv2d(x, p["basis.weight"], groups=8).flatten(1)
        torch.testing.assert_close(hidden[s], x, rtol=1e-4, atol=1e-4)


def test_starts_as_the_identity_with_scaled_branches():
    """Fixup: at 16 pixels 3 sides × 2 blocks, so weights of gain √(2/1.04)·6^−¼ by fan-in."""
    params, _ = R3GAN(channels=32, blocks=2).generator((3, 16, 16)).init(torch.Generator().manual_seed(0))
    last = [w for n, w in params.items() if n.endswith("conv2.weight")]
    assert len(last) == 6
    assert all(not w.any() for w in last)
    scale = (2 / 1.04) ** 0.5 * 6**-0.25
    inner = params["stage1_block0_conv1.weight"]
    assert inner.shape == (64, 16, 3, 3)
    # A standard deviation of n draws has the relative error 1/√(2n); beyond 4.5 of them with p = 7e-6, each.
    for weight, fan_in in ((inner, 16 * 9), (params["stage1_block0_conv0.weight"], 32)):
        wanted = scale / fan_in**0.5
        assert weight.std().item() == pytest.approx(wanted, rel=4.5 / (2 * weight.numel()) ** 0.5)


@pytest.mark.parametrize("way", ["seeds"])
def test_groups_within_a_seed_are_each_seeds_own(way):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(SEEDS, 4, 6, 5, 5, generator=generator, dtype=torch.float64)
    weight = torch.randn(SEEDS, 9, 2, 3, 3, generator=generator, dtype=torch.float64)
    found = convolve(x.flatten(0, 1), weight, stride=1, padding=1, transposed=False, groups=3, way=way)
    wanted = torch.cat([F.conv2d(x[s], weight[s], padding=1, groups=3) for s in range(SEEDS)])
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("options", "reason"), [({}, None), ({"channels": 12}, "no multiple of its group_width")])
def test_widths_that_make_no_groups_are_skipped(options, reason):
    found = incompatibility(small_trial(dataset=("digits", {}), network=("r3gan", options)))
    assert found is None if reason is None else reason in found
