"""The discriminator's view of a plain function, as penalties see it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ganbench.core.protocols import DiscriminatorView, Noise
from tests.helpers.stand_in import stand_in


def view_of(function: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, noise: Noise) -> DiscriminatorView:
    """Return what a penalty sees of a discriminator `function`, over `[S, B, d]` samples."""

    def squared_grad_norm(x: Tensor) -> Tensor:
        x = x.detach().requires_grad_()
        (g,) = torch.autograd.grad(function(x).sum(), x, create_graph=True)
        return g.flatten(2).square().sum(-1)

    return stand_in(
        DiscriminatorView,
        real=real,
        fake=fake,
        real_logits=function(real),
        noise=noise,
        squared_grad_norm=squared_grad_norm,
        progress=0.0,
    )
