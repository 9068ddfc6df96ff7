"""Slopes: the discriminator's at samples, and the unit of a loss's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganbench.core.lazy import Tensor, torch
from ganbench.core.protocols import PlayerName

if TYPE_CHECKING:
    from ganbench.diagnostics import Probe
    from ganbench.losses import Loss

LOGITS = (-1.0, 0.0, 1.0)  # where the slope of a loss is looked up: no cross-entropy is saturated at all three


def slopes(probe: Probe, x: Tensor) -> Tensor:
    """Return ‖∇ₓD‖ of each of the first samples that the discriminator answers, `[..., B]`."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        logits = probe.discriminator(x)
        (gradient,) = torch.autograd.grad(logits.sum(), x)
    return torch.linalg.vector_norm(gradient.flatten(logits.dim()), dim=-1)


def loss_unit(loss: Loss, player: PlayerName) -> float:
    """Return the largest |dL/df| and, of the discriminator, |dL/dr| where all logits are −1, 0 or 1.

    It is the slope that the loss itself has: 1 for Wasserstein, 0.73 for a cross-entropy. A loss that is multiplied by
    s has s times the unit, so a gradient over the unit does not depend on s.

    Example:
        >>> from ganbench.losses.wasserstein import Wasserstein
        >>> loss_unit(Wasserstein(), "G")
        1.0
    """
    with torch.enable_grad():
        fake, real = (
            torch.tensor(LOGITS, dtype=torch.float64, device="cpu").unsqueeze(-1).requires_grad_() for _ in range(2)
        )
        value = loss.generator(fake, torch.zeros_like(fake)) if player == "G" else loss.discriminator(real, fake)
        by_logit = torch.autograd.grad(value.sum(), (fake,) if player == "G" else (real, fake), allow_unused=True)
    return max(float(slope.abs().max()) for slope in by_logit if slope is not None)
