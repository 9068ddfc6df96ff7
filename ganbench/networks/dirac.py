"""The smallest generator and discriminator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from ganbench.core.facts import TrialFacts
from ganbench.core.lazy import Tensor, torch
from ganbench.core.protocols import Noise, Params
from ganbench.networks import Network
from ganbench.networks._layers import Function, Sequential


@dataclass(frozen=True)
class Dirac(Network):
    """G(z) = θ and D(x) = ψ x, one number each, started at `theta` and `psi` plus `jitter` · N(0, 1), drawn per seed.

    With the `dirac` data and the Wasserstein loss this is the bilinear game min_θ max_ψ −ψθ.
    """

    name = "dirac"
    source = "Mescheder et al. 2018, arXiv:1801.04406, definition 2.1"
    traits = ("no last bias",)
    compiles = True

    latent: int = 1
    theta: float = 1.0
    psi: float = 1.0
    jitter: Annotated[float, Ge(0)] = 0.0

    def skip(self, trial: TrialFacts) -> str | None:
        """Return why these networks cannot make the data set's samples, or what a trick does to their discriminator."""
        shape = getattr(trial.dataset.build(), "shape", (1,))
        if shape != (1,):
            return f"the dirac network makes points of a line, not samples of shape {shape}"
        for trick in (choice.build() for choice in trial.tricks):
            if (seen := trick.shape(shape)) != shape:
                return f"its discriminator sees points of a line, {trick.name} shows it samples of shape {seen}"
            if "extra_hidden" in trick.hooks:
                return f"its discriminator is one number, {trick.name} adds to the features of a last layer"
        return None

    def generator(self, shape: tuple[int, ...]) -> Sequential:
        """Return the generator `[S, B, 1] → [S, B, 1]`, the same point for every latent."""
        return Sequential([_Number("theta", self.theta, self.jitter, multiply=False)])

    def trunk(self, shape: tuple[int, ...]) -> tuple[Sequential, int]:
        """Return the whole discriminator `[S, B, 1] → [S, B, 1]`, and 1."""
        return Sequential([_Number("psi", self.psi, self.jitter, multiply=True)]), 1

    def head(self, width: int) -> Sequential:
        """Return the identity: the trunk has answered already."""
        return Sequential([Function(lambda x: x)])


class _Number:
    """One number per seed, which replaces every sample or multiplies it."""

    def __init__(self, name: str, start: float, jitter: float, multiply: bool) -> None:
        self.weight, self.start, self.jitter, self.multiply = f"{name}.weight", start, jitter, multiply

    def init(self, generator: torch.Generator) -> tuple[Params, Params]:
        """Return the start."""
        return {self.weight: self.start + self.jitter * torch.randn(1, generator=generator)}, {}

    def __call__(self, params: Params, buffers: Params, x: Tensor, training: bool, noise: Noise | None) -> Tensor:
        """Return `[S, B, 1]`."""
        number = params[self.weight].unsqueeze(-1)
        return x * number if self.multiply else number.expand_as(x)
