"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval

from ganbench.core.lazy import Tensor, torch
from ganbench.core.protocols import PlayerName
from ganbench.optimizers import Optimizer


@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent with heavy-ball momentum: b ← μ b + g, w ← w − η b; μ may be negative."""

    name = "sgd"
    aliases = ("momentum",)
    source = "Robbins & Monro 1951; negative momentum: Gidel et al. 2019, arXiv:1807.04740"

    momentum: Annotated[float, Interval(gt=-1, lt=1)] = 0.0

    def build(self, params: Sequence[Tensor], player: PlayerName) -> torch.optim.Optimizer:
        """Return torch's SGD over the whole list of tensors at once."""
        from ganbench.optimizers import _engine

        optimiser = _engine.SGD(params, lr=self.rate(player), foreach=True)
        # torch refuses a negative momentum as an argument, but computes correctly with one that is set afterwards.
        optimiser.param_groups[0]["momentum"] = self.momentum
        return optimiser
