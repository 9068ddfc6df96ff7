"""The zero-centred gradient penalty on interpolates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from ganbench.core.lanes import along
from ganbench.core.lazy import Tensor, torch
from ganbench.core.protocols import DiscriminatorView
from ganbench.tricks import NO_GRADIENT_OF_ONE_SAMPLE, Trick


@dataclass(frozen=True)
class ZeroCenteredGP(Trick):
    """Add γ/2 · E‖∇D(x̂)‖² on interpolates x̂ = εx + (1 − ε)G(z), ε ~ U(0, 1) one per sample.

    The paper writes λ without the ½: its λ = 100 is γ = 200. Its code has 10 on points in the plane (γ = 20).
    """

    name = "zero_centered_gp"
    aliases = ("zero_gp", "0gp", "gan_0gp")
    group = "penalty"
    source = "Thanh-Tung et al. 2019, arXiv:1902.03984, section 5"
    addresses = "collapse, and a discriminator that overfits: pulls it towards the optimal one"
    cost = 1.5
    traits = ("penalty",)
    conflicts = NO_GRADIENT_OF_ONE_SAMPLE
    strength = "gamma"
    lanes = ("gamma",)

    gamma: Annotated[float, Ge(0)] = 200.0

    def penalty(self, view: DiscriminatorView) -> Tensor:
        """Return γ/2 · E‖∇D(x̂)‖², `[...]`."""
        real, fake = view.real, view.fake
        share = view.noise.uniform("zero-centred penalty", view.real_logits.shape[-1])
        share = share.reshape(*share.shape, *[1] * (real.dim() - share.dim()))
        norm = view.squared_grad_norm(torch.lerp(fake, real, share)).mean(-1)
        return along(0.5 * self.gamma, norm) * norm
