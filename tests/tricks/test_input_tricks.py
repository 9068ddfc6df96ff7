"""Tricks that change what the discriminator sees, against loops and slices."""

from __future__ import annotations

import pytest
import torch

from ganbench.core.protocols import DiscriminatorView
from ganbench.suite.plan import incompatibility
from ganbench.tricks.diff_augment import DiffAugment
from ganbench.tricks.instance_noise import InstanceNoise
from ganbench.tricks.packing import Packing
from tests.engine import PackedNoise, PackedStep, TrialSetup
from tests.helpers.one_seed import augmented
from tests.helpers.oracles import TrickOracle
from tests.helpers.present import present
from tests.helpers.stand_in import stand_in
from tests.helpers.trials import small_trial

CPU = torch.device("cpu")


def at(progress, noise=None):
    return stand_in(DiscriminatorView, noise=noise or PackedNoise((0, 1), CPU), progress=progress, batch_dim=1)


@pytest.mark.parametrize(("progress", "sigma"), [(0.0, 0.3), (0.5, 0.15), (0.9, 0.03)])
def test_instance_noise_shrinks_linearly(progress, sigma):
    x = torch.zeros(2, 64, 200)
    seen = InstanceNoise(sigma=0.3).inputs(x, at(progress), "real").double()
    # n = 12,800 a seed: a standard deviation's relative standard error is .0063; 5.5 of them.
    assert seen.std((1, 2)).tolist() == pytest.approx([sigma] * 2, rel=0.035)
    assert seen.mean((1, 2)).abs().max() < 5.5 * sigma / 12800**0.5
    assert not torch.equal(seen[0], seen[1])


def test_instance_noise_is_in_both_players_steps_on_both_sides():
    """The discriminator is a probe: what it saw minus what there was."""
    setup = TrialSetup(small_trial(("instance_noise", {"sigma": 0.5}), loss=("relativistic_paired", {})), CPU)
    d, g = setup.players((0, 1))
    context = PackedStep(setup, d, g, PackedNoise((0, 1), CPU), 0.0, False)
    batch = context.minibatch()
    fake = setup.generate(g.params, g.buffers, batch.z, training=True, noise=None)
    view = context.discriminator_view(d.params, batch, fake)
    for seen, was in ((view.real, present(batch.real)), (view.fake, fake)):
        # n = 64 numbers over both seeds: a chi-square of 64 degrees is outside [.25, 2.2] × 64 with p < 1e-7.
        assert 0.25 < ((seen - was) / 0.5).square().mean().item() < 2.2
    (through,) = torch.autograd.grad(view.fake.sum(), fake)
    assert torch.equal(through, torch.ones_like(fake))


def test_packing_lays_samples_side_by_side():
    points = torch.randn(2, 6, 3, generator=torch.Generator().manual_seed(0))
    packed = Packing(m=3).inputs(points, at(0), "fake")
    assert packed.shape == (2, 2, 9)
    for s in range(2):
        for b in range(2):
            assert packed[s, b].tolist() == torch.cat([points[s, 3 * b + i] for i in range(3)]).tolist()
    images = torch.randn(2, 4, 3, 5, 5, generator=torch.Generator().manual_seed(1))
    packed = Packing().inputs(images, at(0), "real")
    assert packed.shape == (2, 2, *Packing().shape((3, 5, 5)))
    assert torch.equal(packed[1, 1], torch.cat((images[1, 2], images[1, 3])))


def test_packed_discriminator_and_its_penalty():
    """R1 with packing is one on the packed vector: the squared slopes of the samples of a pack add up."""
    setup = TrialSetup(small_trial(("packing", {}), ("r1", {})), CPU)
    d, g = setup.players((0, 1))
    context = PackedStep(setup, d, g, PackedNoise((0, 1), CPU), 0.0, False)
    losses = context.discriminator_loss(d.params, g.params, context.minibatch())
    assert losses.fake_logits.shape == (2, 8)
    view = context.discriminator_view(d.params, context.minibatch(), torch.zeros(2, 16, 2))
    x = view.real.detach().requires_grad_()
    slopes = view.squared_grad_norm(x)
    for b in range(8):
        (gradient,) = torch.autograd.grad(view(x)[1, b], x)
        first, second = gradient[1, b, :2], gradient[1, b, 2:]
        assert slopes[1, b].item() == pytest.approx((first.square().sum() + second.square().sum()).item(), rel=1e-5)


def test_packing_says_what_it_cannot_pack():
    assert "not divisible by m = 3" in (incompatibility(small_trial(("packing", {"m": 3}))) or "")
    noise = ("instance_noise", {})
    assert "list it after instance_noise" in (incompatibility(small_trial(("packing", {}), noise)) or "")
    assert incompatibility(small_trial(noise, ("packing", {}))) is None


class Fixed:
    """Uniform numbers that a test knows."""

    def __init__(self, numbers):
        self.numbers = numbers

    def uniform(self, name, *shape):
        assert self.numbers.shape[-len(shape) :] == shape
        return self.numbers


def slow(image, u, shift, cutout):
    """Augment one image `[C, H, W]` by slices of a padded copy."""
    c, h, w = image.shape
    image = image + (u[0] - 0.5)
    grey = sum(image[i] for i in range(c)) / c
    image = torch.stack([grey + 2 * u[1] * (image[i] - grey) for i in range(c)])
    mean = image.sum() / image.numel()
    image = mean + (u[2] + 0.5) * (image - mean)
    my, mx = int(h * shift + 0.5), int(w * shift + 0.5)
    padded = torch.nn.functional.pad(image, (mx, mx, my, my))
    y, x = int((2 * my + 1) * u[3]), int((2 * mx + 1) * u[4])
    image = padded[:, y : y + h, x : x + w].clone()
    sy, sx = int(h * cutout + 0.5), int(w * cutout + 0.5)
    y, x = int((h + 1 - sy % 2) * u[5]) - sy // 2, int((w + 1 - sx % 2) * u[6]) - sx // 2
    image[:, max(y, 0) : max(y + sy, 0), max(x, 0) : max(x + sx, 0)] = 0.0
    return image


@pytest.mark.parametrize(("channels", "side"), [(1, 8), (3, 8), (3, 7)])
def test_augmentation_is_that_of_a_loop(channels, side):
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(2, 40, channels, side, side, generator=generator, dtype=torch.float64)
    u = torch.rand(2, 40, 7, generator=generator, dtype=torch.float64)
    for shift, cutout in ((0.125, 0.5), (0.3, 0.4)):
        seen = DiffAugment(shift=shift, cutout=cutout).inputs(x, at(0, Fixed(u)), "real")
        for s in range(2):
            for b in range(40):
                torch.testing.assert_close(seen[s, b], slow(x[s, b], u[s, b].tolist(), shift, cutout))


def test_policies_are_taken_one_at_a_time():
    generator = torch.Generator().manual_seed(3)
    x, u = torch.rand(2, 6, 1, 8, 8, generator=generator) + 1.0, torch.rand(2, 6, 7, generator=generator)
    view = at(0, Fixed(u))
    moved = DiffAugment(policy=("translation",)).inputs(x, view, "real")
    cut = DiffAugment(policy=("cutout",)).inputs(x, view, "real")
    coloured = DiffAugment(policy=("colour",)).inputs(x, view, "real")
    assert torch.isin(moved[moved != 0], x).all()
    assert torch.equal(cut[cut != 0], x[cut != 0]) and (cut == 0).any((-1, -2)).all()
    assert torch.all((coloured != x).any((-1, -2)))


def test_augmentation_is_differentiable():
    generator = torch.Generator().manual_seed(4)
    x = torch.randn(1, 2, 2, 4, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    view = at(0, Fixed(torch.rand(1, 2, 7, generator=generator, dtype=torch.float64)))
    assert torch.autograd.gradcheck(lambda x: DiffAugment().inputs(x, view, "fake"), x)


def test_augmentation_wants_images():
    assert "images" in (incompatibility(small_trial(("diff_augment", {}))) or "")


def noisy(v, t, x, side):
    return x + t.sigma * (1 - v.step / v.setup.trial.steps) * v.take("instance noise")


def packed(v, t, x, side):
    return torch.stack([torch.cat([x[t.m * i + j] for j in range(t.m)]) for i in range(len(x) // t.m)])


ORACLES = (
    TrickOracle(
        "instance_noise",
        parameters={"sigma": 0.5},
        see=noisy,
        open={"sigma": "it has the data's unit; 0.1 is a tenth of data of unit size"},
    ),
    TrickOracle(
        "packing",
        see=packed,
        # Lin 2018: PacGAN2, the first of m = 2, 3, 4
        defaults={"m": 2},
    ),
    TrickOracle(
        "diff_augment",
        images=True,
        see=augmented,
        # Zhao 2020; mit-han-lab/data-efficient-gans
        defaults={
            "policy": ["colour", "translation", "cutout"],
            "shift": 0.125,
            "cutout": 0.5,
        },
    ),
)
