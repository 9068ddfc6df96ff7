"""How hard the loss itself pushes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganbench.core.column import Column
from ganbench.core.lazy import torch
from ganbench.diagnostics import Diagnostic, Step

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class LossSlope(Diagnostic):
    """How hard the loss pushes the generator: mean |dL_G/df| over its last minibatch, f its fakes' logits.

    ∂L_G/∂θ = (dL_G/df) · ∇ₓD · J_G: this is the first factor and `critic_slope` the second; they tell a saturated loss
    from a flat critic. 1 for Wasserstein, 0.5 where a cross-entropy is in balance; below 1e-2 the loss is saturated.
    Null where a trick replaces the generator's loss; tricks that choose among the logits (top-k) are not counted in.
    """

    name = "loss_slope"
    source = "Arjovsky & Bottou 2017, arXiv:1701.04862, theorem 2.4"
    columns = (
        Column(
            "loss_slope",
            "mean |dL_G/df| over the generator's minibatch, f the fake logits",
            title="Slope of the loss",
            scale="log",
        ),
    )

    def observe(self, step: Step) -> dict[str, Tensor]:
        """Return the slope, `[...]`: the loss is a mean, so the sum of its slopes is the mean slope."""
        if step.loss is None:
            return {}
        with torch.enable_grad():
            fake = step.g.fake_logits.detach().requires_grad_()
            loss = step.loss.generator(fake, step.g.real_logits)
            (slope,) = torch.autograd.grad(loss.sum(), fake)
        return {"loss_slope": slope.abs().sum(-1)}
