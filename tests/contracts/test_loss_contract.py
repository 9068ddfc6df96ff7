"""What every loss must hold, the day its file appears."""

from __future__ import annotations

import pytest
import torch

from ganbench.core import registry
from ganbench.core.protocols import Targets

LOSSES = list(registry.components("loss").values())


@pytest.fixture(params=LOSSES, ids=lambda cls: cls.name)
def loss(request):
    return request.param()


def logits(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    real = torch.randn(shape, dtype=torch.float64, generator=generator)
    return real, torch.randn(shape, dtype=torch.float64, generator=generator) - 0.3


def both(loss, real, fake):
    return loss.discriminator(real, fake), loss.generator(fake, real)


def test_reduces_the_batch_alone(loss):
    real, fake = logits(3, 4, 5)
    for stacked, alone in zip(both(loss, real, fake), both(loss, real[1, 2], fake[1, 2]), strict=True):
        assert stacked.shape == (3, 4)
        torch.testing.assert_close(stacked[1, 2], alone, rtol=1e-12, atol=1e-12)


def test_batch_order_does_not_matter(loss):
    real, fake = logits(2, 6)
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    for here, there in zip(both(loss, real, fake), both(loss, real[:, order], fake[:, order]), strict=True):
        torch.testing.assert_close(here, there, rtol=1e-12, atol=1e-12)


def test_nan_in_one_seed_stays_there(loss):
    real, fake = logits(3, 5)
    broken = fake.clone()
    broken[1, 2] = torch.nan
    for clean, dirty in zip(both(loss, real, fake), both(loss, real, broken), strict=True):
        assert dirty[1].isnan()
        assert torch.equal(clean[[0, 2]], dirty[[0, 2]])


def test_gradient_is_that_of_finite_differences(loss):
    real, fake = (x.requires_grad_() for x in logits(2, 4, seed=3))
    assert torch.autograd.gradcheck(loss.discriminator, (real, fake))
    assert torch.autograd.gradcheck(lambda f, r: loss.generator(f, r), (fake, real))


def test_finite_at_logits_of_a_hundred(loss):
    real = torch.tensor([-100.0, 100.0, 0.0])
    for value in both(loss, real, -real):
        assert torch.isfinite(value)


def test_optimum_is_the_best_constant_answer(loss):
    """At p = q no discriminator does better than a constant logit: the optimum is the least loss over constants."""
    # Wide enough for the widest: below minus its margin EBGAN would ask for more still.
    constants = torch.linspace(-20, 20, 40001, dtype=torch.float64).unsqueeze(-1)
    assert loss.discriminator(constants, constants).min().item() == pytest.approx(loss.optimum, abs=1e-6)


def test_each_player_pulls_its_way(loss):
    """A discriminator step raises real − fake logits, a generator step raises the fake ones."""
    real, fake = (x.mul(0.3).requires_grad_() for x in logits(1, 64))
    on_real, on_fake = torch.autograd.grad(loss.discriminator(real, fake).sum(), (real, fake))
    assert (on_fake.sum() - on_real.sum()) > 0
    (slope,) = torch.autograd.grad(loss.generator(fake, real.detach()).sum(), fake)
    assert slope.sum() < 0


def test_soft_targets_at_equality(loss):
    """One-sided 0.9 at p = q: D answers 0.45, cross-entropy 1.3763; two-sided 0.9/0.1 stays at log 4."""
    if "no targets" in loss.all_traits or loss.name == "least_squares":
        pytest.skip("the loss has no cross-entropy")
    c = torch.linspace(-4, 4, 80001, dtype=torch.float64).unsqueeze(-1)
    one_sided = loss.discriminator(c, c, Targets(0.9, 0.0))
    assert one_sided.min().item() == pytest.approx(1.3763, abs=1e-4)
    assert torch.sigmoid(c[one_sided.argmin()]).item() == pytest.approx(0.45, abs=1e-4)
    assert loss.discriminator(c, c, Targets(0.9, 0.1)).min().item() == pytest.approx(1.386294, abs=1e-6)


def test_says_whether_the_game_is_zero_sum(loss):
    """Zero-sum: whatever G's samples answer, L_D + L_G does not change with it. A state weighs the two apart."""
    if loss.is_stateful:
        assert not loss.zero_sum
        return
    real, fake = logits(2, 64)
    fake.requires_grad_()
    (slope,) = torch.autograd.grad(torch.stack(both(loss, 3 * real, 3 * fake)).sum(), fake)
    assert (slope.abs().max().item() < 1e-12) == loss.zero_sum
