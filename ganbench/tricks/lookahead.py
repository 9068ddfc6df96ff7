"""Lookahead for minimax games."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Interval

from ganbench.core.protocols import StepContext
from ganbench.tricks import Trick


@dataclass(frozen=True)
class Lookahead(Trick):
    """Every k steps move slow weights of both players by a share α towards the fast ones, and start again from there.

    φ ← φ + α(ω − φ), ω ← φ, jointly: both players look back at once. The optimiser's moments go on.
    """

    name = "lookahead"
    group = "update rule"
    source = "Chavdarova et al. 2021, arXiv:2006.14567, algorithm 1"
    addresses = "rotation: averages a cycle towards its centre"

    k: Annotated[int, Ge(1)] = 5
    alpha: Annotated[float, Interval(gt=0, le=1)] = 0.5

    def after_step(self, context: StepContext, step: int) -> None:
        """Pull both players back where `step` is a multiple of k."""
        for player in (context.d, context.g):
            if step % self.k == 0:
                player.memory["slow"].lerp_(player.flat, self.alpha)
                player.flat.copy_(player.memory["slow"])

    def before_step(self, context: StepContext) -> None:
        """Remember where the slow weights start."""
        for player in (context.d, context.g):
            player.memory.setdefault("slow", player.flat.clone())
