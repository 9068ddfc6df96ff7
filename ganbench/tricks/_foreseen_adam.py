"""Adam's next update as one differentiable function, for unrolled discriminators. Importing this file loads torch."""

from __future__ import annotations

from typing import NamedTuple

from ganbench.core.lazy import Tensor, torch

_UNDER_ROOT = 1e-24  # the root's slope is infinite at a zero second moment


class Rates(NamedTuple):
    """An update's numbers: Δ = −rate · m / (√(v + 1e-24) + eps), with both of Adam's corrections in rate and eps."""

    rate: float
    eps: float
    beta1: float
    beta2: float


def corrected(lr: float, eps: float, betas: tuple[float, float], n: float) -> Rates:
    """Return the numbers of the n-th update; lr · m̂ / (√v̂ + ε) is taken by the moments as they are."""
    correction = (1 - betas[1] ** n) ** 0.5
    return Rates(lr * correction / (1 - betas[0] ** n), eps * correction, *betas)


class ForeseenAdam(torch.autograd.Function):
    """Weights and both moments after an update, as functions of the weights, the gradient and the moments before it.

    Written out, because autograd takes twice as many passes over the weights: m = β₁ m₀ + (1 − β₁) g,
    v = β₂ v₀ + (1 − β₂) g², θ = θ₀ − rate · m / r with r = √(v + 1e-24) + eps. A second derivative raises.
    """

    @staticmethod
    def forward(
        ctx: torch.autograd.function.FunctionCtx,
        flat: Tensor,
        gradient: Tensor,
        first: Tensor,
        second: Tensor,
        rates: Rates,
    ) -> tuple[Tensor, Tensor, Tensor]:
        first = torch.lerp(gradient, first, rates.beta1)
        second = (rates.beta2 * second).addcmul_(gradient, gradient, value=1 - rates.beta2)
        root = (second + _UNDER_ROOT).sqrt_()
        shifted = root + rates.eps
        ctx.save_for_backward(gradient, first, root, shifted)
        ctx.rates = rates  # pyright: ignore[reportAttributeAccessIssue] - missing in torch's annotations
        return torch.addcdiv(flat, first, shifted, value=-rates.rate), first, second

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients by weights, gradient and moments before the update.

        ∂θ/∂m = −rate / r and ∂θ/∂v = rate · m / (2 r² √(v + 1e-24)). In place: new memory costs more than the sums.
        """
        if torch.is_grad_enabled():
            raise NotImplementedError("Adam's foreseen update can be differentiated once, not twice")
        gradient, first, root, shifted = ctx.saved_tensors  # pyright: ignore[reportAttributeAccessIssue]
        rates: Rates = ctx.rates  # pyright: ignore[reportAttributeAccessIssue]
        by_flat, later_first, later_second = grad_outputs
        by_first = (by_flat / shifted).mul_(-rates.rate)
        by_second = (first / shifted).div_(root).mul_(by_first).mul_(-0.5).add_(later_second)
        by_first.add_(later_first)
        by_gradient = (gradient * by_second).mul_(2 * (1 - rates.beta2)).add_(by_first, alpha=1 - rates.beta1)
        if not ctx.needs_input_grad[2]:  # pyright: ignore[reportAttributeAccessIssue]
            return by_flat, by_gradient, None, None, None
        return by_flat, by_gradient, by_first.mul_(rates.beta1), by_second.mul_(rates.beta2), None
