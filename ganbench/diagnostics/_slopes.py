"""The discriminator's slope at samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganbench.core.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor

    from ganbench.diagnostics import Probe


def slopes(probe: Probe, x: Tensor) -> Tensor:
    """Return ‖∇ₓD‖ of each of the first samples that the discriminator answers, `[..., B]`."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        logits = probe.discriminator(x)
        (gradient,) = torch.autograd.grad(logits.sum(), x)
    return torch.linalg.vector_norm(gradient.flatten(logits.dim()), dim=-1)
