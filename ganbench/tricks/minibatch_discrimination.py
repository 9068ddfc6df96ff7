"""Minibatch discrimination."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import Interval

from ganbench.core.lazy import Tensor, torch
from ganbench.tricks import Trick


@dataclass(frozen=True)
class MinibatchDiscrimination(Trick):
    """Let the discriminator see how close each sample's features are to the rest of its minibatch.

    M = h T as `[..., B, kernels, dimensions]`; o_bk = Σ_{b' ≠ b} exp(−‖M_bk − M_b'k‖₁) is appended to the last hidden
    layer, `kernels` numbers a sample in (0, B − 1].
    """

    name = "minibatch_discrimination"
    aliases = ("mbd",)
    group = "discriminator"
    source = "Salimans et al. 2016, arXiv:1606.03498, section 3.2"
    addresses = "mode collapse: samples that are too alike give themselves away"
    cost_per = {"kernels": 0.27}
    traits = ("couples samples",)

    kernels: Annotated[int, Interval(ge=1, le=65_536)] = 100
    dimensions: Annotated[int, Interval(ge=1, le=65_536)] = 5

    def extra_hidden_params(self, width: int, generator: torch.Generator) -> tuple[dict[str, Tensor], int]:
        """Return T `[width, kernels · dimensions]` of one seed, N(0, 1/width), and the number of new features."""
        columns = self.kernels * self.dimensions
        return {"minibatch.weight": torch.randn(width, columns, generator=generator) / width**0.5}, self.kernels

    def extra_hidden(self, h: Tensor, params: dict[str, Tensor]) -> Tensor:
        """Return the closeness of each sample to the others, `[..., B, kernels]`."""
        m = torch.matmul(h, params["minibatch.weight"]).unflatten(-1, (self.kernels, self.dimensions))
        lead = m.shape[:-3]
        planes = m.flatten(0, -4) if lead else m.unsqueeze(0)
        # [D, N·K, B]: the batch is the innermost axis, so that all arithmetic below runs along it.
        closeness = _closeness()(planes.permute(3, 0, 2, 1).flatten(1, 2))
        return closeness.unflatten(0, (-1, self.kernels)).mT.reshape(*lead, m.shape[-3], self.kernels)


@functools.cache
def _closeness() -> Callable[[Tensor], Tensor]:
    """Return Σ_{b' ≠ b} exp(−Σ_d |p_db − p_db'|) as a function `[D, R, B] → [R, B]` with a gradient of its own.

    A distance is symmetric, so the pairs (b, b + k) for k = 1 … B/2 are all there are: half the work of the full
    B × B square, and never more than one `[D, R, B]` tensor in flight. Three times as fast as `torch.cdist`.
    """

    class Closeness(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, p: Tensor) -> Tensor:  # noqa: ANN401 - torch's own context
            _, rows, batch = p.shape
            doubled = torch.cat((p, p), dim=-1)
            near = p.new_empty(batch // 2, rows, batch)
            total = p.new_zeros(rows, 2 * batch)
            for k in range(1, batch // 2 + 1):
                difference = (p - doubled[..., k : k + batch]).abs_()
                pairs = torch.sum(difference, 0, out=near[k - 1]).neg_().exp_()
                total[:, :batch] += pairs
                if 2 * k != batch:  # at half the batch both ends of a pair are met on their own
                    total[:, k : k + batch] += pairs
            ctx.save_for_backward(doubled, near)
            return total[:, :batch] + total[:, batch:]

        @staticmethod
        def backward(ctx: Any, *grad_outputs: Tensor) -> Tensor:  # noqa: ANN401 - torch's own context
            doubled, near = ctx.saved_tensors
            (grad,) = grad_outputs
            batch = grad.shape[-1]
            p, grads = doubled[..., :batch], torch.cat((grad, grad), dim=-1)
            total = torch.zeros_like(doubled)
            for k in range(1, batch // 2 + 1):
                weight = (grad + grads[:, k : k + batch]).mul_(near[k - 1])
                if 2 * k == batch:
                    weight.mul_(0.5)
                push = (p - doubled[..., k : k + batch]).sign_().mul_(weight)
                total[..., :batch] -= push
                total[..., k : k + batch] += push
            return total[..., :batch] + total[..., batch:]

    return Closeness.apply
