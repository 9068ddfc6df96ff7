"""Tricks whose strength changes while a trial trains."""

from __future__ import annotations

from math import cos, pi

import pytest
import torch

from ganbench.core.protocols import DiscriminatorView
from ganbench.tricks.ada import ADA
from ganbench.tricks.r1 import R1
from ganbench.tricks.r2 import R2
from tests.helpers.one_seed import augmented
from tests.helpers.oracles import TrickOracle
from tests.helpers.stand_in import stand_in


class Rays:
    """Uniform numbers for two seeds from a plain generator."""

    def __init__(self):
        self.generator = torch.Generator().manual_seed(0)

    def uniform(self, name, *shape):
        return torch.rand(2, *shape, generator=self.generator)


def see(memory, real_logits):
    return stand_in(DiscriminatorView, memory=memory, noise=Rays(), real_logits=real_logits)


def test_p_rises_for_the_sure_seed_and_falls_for_the_other():
    """64 images a step and a ramp of 640: p moves by 0.1; signs .75 and .25 lie above and below the target of .6."""
    sure = torch.tensor([1.0] * 56 + [-1.0] * 8)
    unsure = torch.tensor([1.0] * 40 + [-1.0] * 24)
    memory = {"ada": torch.tensor([0.0, 0.35])}
    expected = [(0.1, 0.25), (0.2, 0.15), (0.3, 0.05), (0.4, 0.0)]
    for p in expected:
        added = ADA(ramp=640).penalty(see(memory, torch.stack((sure, unsure))))
        assert added.tolist() == [0.0, 0.0]
        assert memory["ada"].tolist() == pytest.approx(p, abs=1e-6)


def test_each_augmentation_happens_with_probability_p_on_its_own():
    """1,000 images a seed at p = 0 and .3. Karras et al. 2020, section 2.2: each transformation with its own draw.

    Colour moves the corner that is bright, cutout and translation darken pixels: the image that none changed has
    probability (1 − p)³; 4.4 sd of the binomial is a false-alarm rate of 1e-5.
    """
    x = torch.rand(2, 1000, 1, 16, 16, generator=torch.Generator().manual_seed(1)) + 0.5
    y = ADA().inputs(x, see({"ada": torch.tensor([0.0, 0.3])}, x), "real")
    assert torch.equal(x[0], y[0])
    recoloured = (y[1] != 0).flatten(1) & (y[1] != x[1]).flatten(1)
    darkened = (y[1] == 0).flatten(1).any(-1)
    unchanged = int((x[1] == y[1]).flatten(1).all(-1).sum())
    # A translation of 0 by 0 pixels (1 of 25) changes nothing; a cut-out always has a pixel.
    none = 0.7 * 0.7 * (0.7 + 0.3 / 25)
    assert abs(unchanged - 1000 * none) < 4.4 * (1000 * none * (1 - none)) ** 0.5
    assert recoloured.any() and darkened.any()
    both_or_one = 1 - 0.7 * (0.7 + 0.3 / 25)
    assert abs(int(darkened.sum()) - 1000 * both_or_one) < 4.4 * (1000 * both_or_one * (1 - both_or_one)) ** 0.5


@pytest.mark.parametrize("trick", [R1, R2])
@pytest.mark.parametrize("progress", [0.0, 0.25, 0.5, 1.0])
def test_gamma_goes_along_half_a_cosine(trick, progress):
    slope = torch.full((2, 4), 2.0)
    view = stand_in(DiscriminatorView, real=None, fake=None, progress=progress, squared_grad_norm=lambda x: slope)
    gamma = 1.0 + 9.0 * 0.5 * (1 + cos(pi * progress))
    assert trick(gamma=10.0, gamma_final=1.0).penalty(view).tolist() == pytest.approx([gamma] * 2)
    assert trick(gamma=10.0).penalty(view).tolist() == pytest.approx([10.0] * 2)


def sometimes_augmented(v, t, x, side):
    chosen = v.take("ada") < v.memory["ada"][v.seed]
    for which, kind in enumerate(("colour", "translation", "cutout")):
        other = augmented(v, t, x, side, (kind,))
        x = torch.stack([b if c else a for a, b, c in zip(x, other, chosen[:, which], strict=True)])
    return x


ORACLES = (
    TrickOracle(
        "ada",
        parameters={"ramp": 12},
        images=True,
        see=sometimes_augmented,
        # Karras 2020; NVlabs/stylegan2-ada-pytorch
        defaults={"target": 0.6, "ramp": 500_000},
    ),
)
