"""The gradient penalty of WGAN-GP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from ganbench.core.lanes import along
from ganbench.core.lazy import Tensor, torch
from ganbench.core.protocols import DiscriminatorView
from ganbench.tricks import NO_GRADIENT_OF_ONE_SAMPLE, Trick

_UNDER_ROOT = 1e-12  # the root's slope is infinite at a zero gradient


@dataclass(frozen=True)
class GradientPenalty(Trick):
    """Add λ · E(‖∇D(x̂)‖ − 1)² on interpolates x̂ = εx + (1 − ε)G(z), ε ~ U(0, 1) one per sample.

    The norm is a sample's, over all its axes. `one_sided` penalises norms above 1 only.
    """

    name = "gradient_penalty"
    aliases = ("wgan_gp", "gp")
    group = "penalty"
    source = "Gulrajani et al. 2017, arXiv:1704.00028, eq. 3; one-sided: section 4"
    addresses = "vanishing and exploding gradients of the Wasserstein loss"
    cost = 1.5
    traits = ("penalty",)
    conflicts = NO_GRADIENT_OF_ONE_SAMPLE
    strength = "weight"
    lanes = ("weight",)

    weight: Annotated[float, Ge(0)] = 10.0
    one_sided: bool = False

    def penalty(self, view: DiscriminatorView) -> Tensor:
        """Return λ · E(‖∇D(x̂)‖ − 1)², `[...]`."""
        real, fake = view.real, view.fake
        batch = view.real_logits.shape[-1]
        share = view.noise.uniform("gradient penalty", batch)
        share = share.reshape(*share.shape, *[1] * (real.dim() - share.dim()))
        excess = (view.squared_grad_norm(torch.lerp(fake, real, share)) + _UNDER_ROOT).sqrt() - 1.0
        if self.one_sided:
            excess = excess.clamp(min=0.0)
        return along(self.weight, excess) * excess.square().mean(-1)
