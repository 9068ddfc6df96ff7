"""R1: a zero-centred gradient penalty on real data."""

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
class R1(Trick):
    """Add γ/2 · E‖∇ₓD(x)‖² on real samples to the discriminator's loss.

    Some public code leaves out the ½: its γ = 10 is 20 here. With `gamma_final`, γ goes there along half a cosine.
    """

    name = "r1"
    group = "penalty"
    source = "Mescheder et al. 2018, arXiv:1801.04406, eq. 9"
    addresses = "oscillation and collapse: makes the equilibrium locally stable"
    cost = 1.5
    traits = ("penalty",)
    conflicts = NO_GRADIENT_OF_ONE_SAMPLE
    strength = "gamma"
    lanes = ("gamma",)

    gamma: Annotated[float, Ge(0)] = 10.0
    gamma_final: Annotated[float, Ge(0)] | None = None

    def penalty(self, view: DiscriminatorView) -> Tensor:
        """Return γ/2 · E‖∇ₓD(x)‖², `[...]`."""
        norm = view.squared_grad_norm(view.real).mean(-1)
        return along(0.5 * annealed(self.gamma, self.gamma_final, view.progress), norm) * norm
