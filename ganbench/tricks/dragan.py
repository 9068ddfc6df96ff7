"""The gradient penalty of DRAGAN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt

from ganbench.core.lanes import along
from ganbench.core.lazy import Tensor
from ganbench.core.protocols import DiscriminatorView
from ganbench.tricks import NO_GRADIENT_OF_ONE_SAMPLE, Trick

_UNDER_ROOT = 1e-12  # the root's slope is infinite at a zero gradient


@dataclass(frozen=True)
class DRAGAN(Trick):
    """Add λ · E(‖∇D(x + δ)‖ − 1)² around real samples, δ = α · c · std(x) · u with u ~ U(0, 1) and α ~ U(0, 1).

    u is drawn for each number, α once a sample; std is that of the whole real minibatch, c = 0.5 the reach. The noise
    is that of the authors' code: their paper writes δ ~ N(0, cI).
    """

    name = "dragan"
    group = "penalty"
    source = "Kodali et al. 2017, arXiv:1705.07215, algorithm 1 and the authors' code"
    addresses = "mode collapse: sharp gradients around real samples"
    cost = 1.5
    traits = ("penalty",)
    conflicts = NO_GRADIENT_OF_ONE_SAMPLE
    strength = "weight"
    lanes = ("weight", "reach")

    weight: Annotated[float, Ge(0)] = 10.0
    reach: Annotated[float, Gt(0)] = 0.5

    def penalty(self, view: DiscriminatorView) -> Tensor:
        """Return λ · E(‖∇D(x + δ)‖ − 1)², `[...]`."""
        real = view.real
        lead = view.real_logits.dim() - 1
        std = real.flatten(lead).std(-1, correction=0)
        share = view.noise.uniform("dragan share", real.shape[lead])
        noise = view.noise.uniform("dragan noise", *real.shape[lead:])
        scale = (along(self.reach, std) * std).unsqueeze(-1) * share
        around = real + scale.reshape(*scale.shape, *[1] * (real.dim() - scale.dim())) * noise
        excess = (view.squared_grad_norm(around) + _UNDER_ROOT).sqrt() - 1.0
        return along(self.weight, excess) * excess.square().mean(-1)
