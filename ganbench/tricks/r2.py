"""R2: a zero-centred gradient penalty on generated data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from ganbench.core.lanes import along
from ganbench.core.lazy import Tensor
from ganbench.core.protocols import DiscriminatorView
from ganbench.tricks import NO_GRADIENT_OF_ONE_SAMPLE, Trick
from ganbench.tricks._annealing import annealed


@dataclass(frozen=True)
class R2(Trick):
    """Add γ/2 · E‖∇ₓD(G(z))‖² on generated samples to the discriminator's loss.

    Together with R1 and the relativistic paired loss it is the recipe of R3GAN. With `gamma_final`, γ goes there along
    half a cosine.
    """

    name = "r2"
    group = "penalty"
    source = (
        "Mescheder et al. 2018, arXiv:1801.04406, eq. 10; beside R1: Huang et al. 2024, arXiv:2501.05441, section 2"
    )
    addresses = "oscillation and collapse; a discriminator steep where no data are"
    cost = 1.5
    traits = ("penalty",)
    conflicts = NO_GRADIENT_OF_ONE_SAMPLE
    strength = "gamma"
    lanes = ("gamma",)

    gamma: Annotated[float, Ge(0)] = 10.0
    gamma_final: Annotated[float, Ge(0)] | None = None

    def penalty(self, view: DiscriminatorView) -> Tensor:
        """Return γ/2 · E‖∇ₓD(G(z))‖², `[...]`."""
        norm = view.squared_grad_norm(view.fake).mean(-1)
        return along(0.5 * annealed(self.gamma, self.gamma_final, view.progress), norm) * norm
