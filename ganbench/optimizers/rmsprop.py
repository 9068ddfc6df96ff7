"""RMSprop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt, Interval

from ganbench.core.lazy import Tensor, torch
from ganbench.core.protocols import PlayerName
from ganbench.optimizers import Optimizer


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """RMSprop: steps of g / (√v + ε) from a running mean of the squared gradient."""

    name = "rmsprop"
    source = "Tieleman & Hinton 2012, lecture 6.5; the optimiser of Arjovsky et al. 2017, arXiv:1701.07875"

    alpha: Annotated[float, Interval(ge=0, lt=1)] = 0.99
    eps: Annotated[float, Gt(0)] = 1e-8

    def build(self, params: Sequence[Tensor], player: PlayerName) -> torch.optim.Optimizer:
        """Return torch's RMSprop over the whole list of tensors at once."""
        from ganbench.optimizers import _engine

        return _engine.RMSprop(params, lr=self.rate(player), alpha=self.alpha, eps=self.eps, foreach=True)
