"""How hard the loss itself pushes."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.core.column import Column
from ganbench.core.lazy import Tensor, torch
from ganbench.diagnostics import Diagnostic, Step
from ganbench.diagnostics._slopes import loss_unit


@dataclass(frozen=True)
class LossSlope(Diagnostic):
    """How hard the loss pushes the generator: mean |dL_G/df| over its last minibatch, f its fakes' logits.

    ∂L_G/∂θ = (dL_G/df) · ∇ₓD · J_G: this is the first factor and `critic_slope` the second; they tell a saturated loss
    from a flat critic. 1 for Wasserstein, 0.5 where a cross-entropy is in balance. `loss_slope_share` is without units:
    the slope over the largest that the loss itself has at logits −1, 0 and 1; below 1e-2 the loss is saturated. Null
    where a trick replaces the generator's loss; tricks that choose among the logits (top-k) are not counted in.
    """

    name = "loss_slope"
    version = 2
    source = "Arjovsky & Bottou 2017, arXiv:1701.04862, theorem 2.4"
    columns = (
        Column(
            "loss_slope",
            "mean |dL_G/df| over the generator's minibatch, f the fake logits",
            title="Slope of the loss",
            scale="log",
        ),
        Column(
            "loss_slope_share",
            "loss_slope over the largest |dL_G/df| at logits −1, 0 and 1",
            title="Share of the loss's slope",
            scale="log",
        ),
    )

    def observe(self, step: Step) -> dict[str, Tensor]:
        """Return both slopes, `[...]`: the loss is a mean, so the sum of its slopes is the mean slope."""
        if step.loss is None:
            return {}
        with torch.enable_grad():
            fake = step.g.fake_logits.detach().requires_grad_()
            loss = step.loss.generator(fake, step.g.real_logits)
            (slope,) = torch.autograd.grad(loss.sum(), fake)
        mean = slope.abs().sum(-1)
        return {"loss_slope": mean, "loss_slope_share": mean / loss_unit(step.loss, "G")}
