"""BEGAN's balance against the recursion written out."""

from __future__ import annotations

import pytest
import torch

from ganbench.losses.began import BEGAN
from tests.engine import Trainer
from tests.helpers.oracles import LossOracle
from tests.helpers.trials import small_trial


def paper(v, r, f):
    k = v.memory.get("k")
    return -r.mean() + (0.0 if k is None else k[v.seed]) * f.mean()


# Berthelot 2017, 4.1 has the rate; γ goes from 0.3 to 0.7 there, with 0.5 in the middle.
ORACLE = LossOracle(
    "began",
    slopes=(-1.0, -1.0, -1.0),
    discriminator=paper,
    generator=lambda r, f: -f.mean(),
    defaults={"gamma": 0.5, "rate": 1e-3},
)


def test_the_loss_is_that_of_the_paper():
    ORACLE.check()


def test_k_follows_its_recursion_seed_by_seed():
    loss, memory, k = BEGAN(gamma=0.5, rate=0.1), {}, [0.0, 0.0]
    generator = torch.Generator().manual_seed(0)
    for _ in range(50):
        real = -torch.rand(2, 6, generator=generator, dtype=torch.float64) * 2
        fake = -torch.rand(2, 6, generator=generator, dtype=torch.float64)
        value = loss.stateful_discriminator(memory, real, fake)
        for seed in range(2):
            on_real, on_fake = -real[seed].mean().item(), -fake[seed].mean().item()
            assert value[seed].item() == pytest.approx(on_real - k[seed] * on_fake, abs=1e-12)
            k[seed] = min(max(k[seed] + 0.1 * (0.5 * on_real - on_fake), 0.0), 1.0)
        assert memory["k"].tolist() == pytest.approx(k, abs=1e-12)


def test_k_is_no_part_of_the_gradient_and_stays_within_its_bounds():
    loss, memory = BEGAN(rate=10.0), {}
    real = torch.full((1, 4), -5.0, requires_grad=True)
    fake = torch.full((1, 4), -0.1, requires_grad=True)
    for expected in (1.0, 1.0):
        value = loss.stateful_discriminator(memory, real, fake)
        assert memory["k"].tolist() == [expected]
        assert not memory["k"].requires_grad
    on_real, on_fake = torch.autograd.grad(value.sum(), (real, fake))
    assert on_real.sum().item() == pytest.approx(-1.0)
    assert on_fake.sum().item() == pytest.approx(1.0)


def test_training_goes_on_with_k_after_an_interruption(tmp_path):
    trial = small_trial(loss=("began", {"rate": 0.05}), network=("autoencoder", {}), steps=12)
    whole = Trainer(trial)
    whole.advance(float("inf"))
    first = Trainer(trial)
    while first.step < 5:
        first.advance(0.0)
    first.save(tmp_path / "c.pt")
    second = Trainer(trial, checkpoint=tmp_path / "c.pt")
    second.advance(float("inf"))
    assert torch.equal(second.d.memory["k"], whole.d.memory["k"])
    assert torch.equal(second.g.flat, whole.g.flat)
    assert whole.d.memory["k"].shape == (3,)
    assert (whole.d.memory["k"] > 0).any()
