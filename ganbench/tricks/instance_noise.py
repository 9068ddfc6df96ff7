"""Instance noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Gt

from ganbench.core.lanes import along
from ganbench.core.lazy import Tensor
from ganbench.core.protocols import DiscriminatorView
from ganbench.tricks import Trick


@dataclass(frozen=True)
class InstanceNoise(Trick):
    """Add N(0, σ²) to all that the discriminator sees, real and fake, in both players' steps; σ falls linearly to 0.

    σ_t = σ (1 − t/T). With it the two distributions overlap, so that the optimal discriminator is never certain.
    """

    name = "instance_noise"
    group = "inputs"
    source = (
        "Sønderby et al. 2017, arXiv:1610.04490, section 3.1; Arjovsky & Bottou 2017, arXiv:1701.04862, theorem 3.2"
    )
    addresses = "vanishing gradient from disjoint supports; over-confident discriminator"
    traits = ("changed inputs",)
    strength = "sigma"
    lanes = ("sigma",)

    sigma: Annotated[float, Gt(0)] = 0.1

    def inputs(self, x: Tensor, view: DiscriminatorView, side: Literal["real", "fake"]) -> Tensor:
        """Return `x` with noise of its own on every number, `[..., B, *sample]`."""
        noise = view.noise.normal("instance noise", *x.shape[view.batch_dim :])
        return x + along(self.sigma * (1.0 - view.progress), x, x.dim() - view.batch_dim) * noise
