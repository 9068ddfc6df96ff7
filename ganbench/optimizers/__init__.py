"""Optimisers: one file each; a file's presence registers it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Gt, Interval

from ganbench.core.component import Component
from ganbench.core.lazy import Tensor, torch
from ganbench.core.protocols import PlayerName


@dataclass(frozen=True)
class Optimizer(Component):
    """How both players' weights move; all state is element-wise, so seeds on a leading axis do not touch.

    `lr` is both players' rate unless `d_lr` or `g_lr` says otherwise (two time scales, Heusel 2017). The rate is held
    for the share `lr_hold` of the steps and then falls linearly to `lr_final` times itself.

    Example:
        >>> from ganbench.optimizers.sgd import SGD
        >>> sgd = SGD(lr=0.5, d_lr=1.0, lr_final=0.0)
        >>> [sgd.rate("D", progress) for progress in (0.0, 0.5, 0.75, 1.0)]
        [1.0, 1.0, 0.5, 0.0]
        >>> sgd.rate("G")
        0.5
    """

    kind: ClassVar[str] = "optimizer"

    lr: Annotated[float, Gt(0)] = 1e-3
    d_lr: Annotated[float, Gt(0)] | None = None
    g_lr: Annotated[float, Gt(0)] | None = None
    lr_final: Annotated[float, Interval(ge=0, le=1)] = 1.0
    lr_hold: Annotated[float, Interval(ge=0, lt=1)] = 0.5

    @abstractmethod
    def build(self, params: Sequence[Tensor], player: PlayerName) -> torch.optim.Optimizer:
        """Return an optimiser of these tensors at this player's starting rate."""

    def rate(self, player: PlayerName, progress: float = 0.0) -> float:
        """Return a player's rate at `progress` in [0, 1]."""
        player_rate = self.d_lr if player == "D" else self.g_lr
        base = self.lr if player_rate is None else player_rate
        fallen = max(0.0, (progress - self.lr_hold) / (1.0 - self.lr_hold))
        return base * (1.0 + fallen * (self.lr_final - 1.0))
