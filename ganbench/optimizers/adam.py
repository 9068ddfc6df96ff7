"""Adam."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt, Interval

from ganbench.core.lazy import Tensor, torch
from ganbench.core.protocols import PlayerName
from ganbench.optimizers import Optimizer

Beta = Annotated[float, Interval(ge=0, lt=1)]


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam: steps of m̂ / (√v̂ + ε) from running means of the gradient and of its square."""

    name = "adam"
    source = "Kingma & Ba 2015, arXiv:1412.6980, algorithm 1; β₁ = 0.5 for GANs from Radford et al. 2016"

    betas: tuple[Beta, Beta] = (0.5, 0.999)
    eps: Annotated[float, Gt(0)] = 1e-8

    def build(self, params: Sequence[Tensor], player: PlayerName) -> torch.optim.Optimizer:
        """Return a fused Adam: one pass over the weights per step."""
        from ganbench.optimizers._engine import FusedAdam

        return FusedAdam(params, lr=self.rate(player), betas=self.betas, eps=self.eps, fused=True)
