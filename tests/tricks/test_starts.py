"""Starts that plant a failure: what they change, and that they change nothing later."""

from __future__ import annotations

import pytest
import torch

from ganbench.core.errors import UsageError
from tests.engine import PackedNoise, PackedStep, TrialSetup, gan_step
from tests.helpers.oracles import TrickOracle
from tests.helpers.trials import small_trial

SEEDS = (0, 1)


def game_of(*tricks, **changes):
    setup = TrialSetup(small_trial(*tricks, **changes), torch.device("cpu"))
    return setup, *setup.players(SEEDS), PackedNoise(SEEDS, torch.device("cpu"))


def test_a_head_start_is_so_many_updates_of_the_discriminator_alone():
    setup, d, g, noise = game_of(("head_start", {"steps": 7}))
    plain, d2, g2, noise2 = game_of()
    start = g2.flat.clone()
    for step in (1, 2, 3):
        gan_step(setup, d, g, noise, step)
    context = PackedStep(plain, d2, g2, noise2, 0.0, False)
    for _ in range(7):
        context.apply_update(d2, context.discriminator_update())
    assert torch.equal(g2.flat, start)
    for step in (1, 2, 3):
        gan_step(plain, d2, g2, noise2, step)
    assert torch.equal(d.flat, d2.flat)
    assert torch.equal(g.flat, g2.flat)


def test_a_displaced_generator_makes_the_same_samples_elsewhere():
    trick = ("displaced_start", {"by": 8.0})
    setup, d, g, noise = game_of(trick, optimizer=("sgd", {"lr": 1e-12}))
    z = torch.randn(2, 50, 4)
    before = setup.generate(g.params, g.buffers, z, training=False, noise=None)
    for step in (1, 2, 3):
        gan_step(setup, d, g, noise, step)
    after = setup.generate(g.params, g.buffers, z, training=False, noise=None)
    torch.testing.assert_close(after, before + 8.0, rtol=0, atol=1e-5)


def test_a_generator_without_a_bias_cannot_be_displaced():
    setup, d, g, noise = game_of(("displaced_start", {}), dataset=("dirac", {}), network=("dirac", {}))
    with pytest.raises(UsageError, match=r"theta\.weight, no bias; take a network that ends in one"):
        gan_step(setup, d, g, noise, 1)


def test_jitter_gives_each_seed_a_start_of_its_own():
    axes = {"dataset": ("dirac", {}), "network": ("dirac", {"jitter": 0.2})}
    setup = TrialSetup(small_trial(**axes), torch.device("cpu"))
    d, g = setup.players(tuple(range(200)))
    for player in (d, g):
        (start,) = (number.detach() for number in player.params.values())
        assert len(set(start.flatten().tolist())) == 200
        # Mean and spread of 200 normal numbers miss these bands once in 10,000 draws or less.
        assert start.mean().item() == pytest.approx(1.0, abs=4 * 0.2 / 200**0.5)
        assert start.std().item() == pytest.approx(0.2, rel=0.25)
    assert not torch.equal(d.flat, g.flat)


ORACLES = (
    TrickOracle(
        "head_start",
        # The start, which is no objective.
        elsewhere="tests/tricks/test_starts.py::test_a_head_start_is_so_many_updates_of_the_discriminator_alone",
        open={"steps": "a failure to study, no paper's recipe"},
    ),
    TrickOracle(
        "displaced_start",
        # The start, which is no objective.
        elsewhere="tests/tricks/test_starts.py::test_a_displaced_generator_makes_the_same_samples_elsewhere",
        open={"by": "a failure to study, no paper's recipe"},
    ),
)
