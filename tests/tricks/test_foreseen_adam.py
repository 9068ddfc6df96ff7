"""Adam's next update as a differentiable function: torch's own optimiser and finite differences are the oracles."""

from __future__ import annotations

import pytest
import torch

from ganbench.tricks._foreseen_adam import ForeseenAdam, corrected

LR, EPS, BETAS = 3e-2, 1e-3, (0.5, 0.9)


def test_updates_are_those_of_torch():
    torch.manual_seed(0)
    weights = torch.randn(7, dtype=torch.float64)
    flat, first, second = weights.clone(), torch.zeros(7, dtype=torch.float64), torch.zeros(7, dtype=torch.float64)
    theirs = torch.nn.Parameter(weights.clone())
    adam = torch.optim.Adam([theirs], lr=LR, eps=EPS, betas=BETAS)
    for n in range(1, 6):
        theirs.grad = torch.randn(7, dtype=torch.float64)
        flat, first, second = ForeseenAdam.apply(flat, theirs.grad, first, second, corrected(LR, EPS, BETAS, n))
        adam.step()
        torch.testing.assert_close(flat, theirs.detach(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("inputs", [(0, 1), (0, 1, 2, 3)], ids=["of the gradient", "of the moments as well"])
@pytest.mark.parametrize("outputs", [slice(0, 1), slice(0, 3)], ids=["the last update", "one before it"])
def test_slopes_are_those_of_finite_differences(inputs, outputs):
    torch.manual_seed(1)
    values = [torch.randn(5, dtype=torch.float64) for _ in range(3)] + [torch.rand(5, dtype=torch.float64) + 0.1]
    for i in inputs:
        values[i].requires_grad_()
    rates = corrected(LR, EPS, BETAS, 3)
    assert torch.autograd.gradcheck(lambda *given: ForeseenAdam.apply(*given, rates)[outputs], values)


def test_a_second_derivative_raises():
    values = [torch.ones(3, dtype=torch.float64, requires_grad=True) for _ in range(4)]
    after, _, _ = ForeseenAdam.apply(*values, corrected(LR, EPS, BETAS, 1))
    with pytest.raises(NotImplementedError, match="once"):
        torch.autograd.grad(after.sum(), values[1], create_graph=True)
