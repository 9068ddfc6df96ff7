"""Minibatch discrimination's derivatives, held to finite differences and to a formula over all pairs."""

from __future__ import annotations

import pytest
import torch

from ganbench.tricks import _closeness
from ganbench.tricks._closeness import Closeness


def points(*shape, dtype=torch.float64):
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(0)).requires_grad_()


def all_pairs(p):
    """The formula over the whole square, `[D, B, R] → [B, R]`."""
    return torch.exp(-(p[:, :, None] - p[:, None]).abs().sum(0)).sum(1) - 1


@pytest.mark.parametrize("batch", [1, 2, 3, 6])
def test_both_derivatives_are_those_of_finite_differences(batch, monkeypatch):
    monkeypatch.setattr(_closeness, "BLOCK_NUMBERS", 1)  # of several blocks
    p = points(2, batch, 35)[..., ::8]
    assert torch.autograd.gradcheck(Closeness.apply, (p,))
    assert torch.autograd.gradgradcheck(Closeness.apply, (p,))


@pytest.mark.parametrize(("batch", "rows"), [(64, 1600), (48, 37), (7, 100)])
def test_it_is_the_formula_over_all_pairs(batch, rows):
    p = points(5, batch, rows, dtype=torch.float32)
    push = torch.randn(batch, rows, generator=torch.Generator().manual_seed(1))
    ours = Closeness.apply(p)
    theirs = all_pairs(p.double())
    torch.testing.assert_close(ours, theirs.float(), rtol=1e-5, atol=1e-6)
    slopes = [torch.autograd.grad((y * push).sum(), p)[0] for y in (ours, theirs)]
    torch.testing.assert_close(*slopes, rtol=1e-4, atol=1e-5)


def test_equal_samples_have_no_slope_between_them():
    p = torch.ones(3, 8, 4, requires_grad=True)
    closeness = Closeness.apply(p)
    assert torch.equal(closeness, torch.full_like(closeness, 7.0))
    assert not torch.autograd.grad(closeness.sum(), p)[0].any()


@pytest.mark.parametrize("batch", [64, 33, 12])
def test_a_row_has_the_same_bits_wherever_it_lies(batch):
    p = points(5, batch, 700, dtype=torch.float32)
    (whole,) = torch.autograd.grad(Closeness.apply(p).square().sum(), p)
    for rows in (slice(0, 1), slice(3, 103), slice(531, 700)):
        part = p[..., rows].detach().requires_grad_()
        near = Closeness.apply(part)
        assert torch.equal(near, Closeness.apply(p)[:, rows])
        assert torch.equal(torch.autograd.grad(near.square().sum(), part)[0], whole[..., rows])


def test_far_samples_are_as_far_as_the_smallest_normal_number():
    p = torch.tensor([0.0, 1000.0, torch.nan]).reshape(1, 3, 1)
    near = Closeness.apply(p[:, :2])
    assert (near > 0).all()
    assert (near < 1e-37).all()
    assert Closeness.apply(p).isnan().all()


def test_a_third_derivative_is_refused():
    p = points(2, 4, 3)
    (first,) = torch.autograd.grad(Closeness.apply(p).sum(), p, create_graph=True)
    with pytest.raises(NotImplementedError, match="no third derivative"):
        torch.autograd.grad(first.square().sum(), p, create_graph=True)
