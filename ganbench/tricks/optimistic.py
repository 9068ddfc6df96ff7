"""Optimistic updates."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.core.protocols import Player, PlayerName, PlayerUpdate, StepContext
from ganbench.tricks import Trick


@dataclass(frozen=True)
class Optimistic(Trick):
    """Optimistic mirror descent: w ← w + 2Δ_t − Δ_{t−1}, Δ the optimiser's step; both players at the same weights.

    With SGD, Δ = −ηg, this is w ← w − η(2g_t − g_{t−1}); with Adam it is optimistic Adam. The first step is
    plain. On xy with SGD it is stable iff η < 1/√3.
    """

    name = "optimistic"
    aliases = ("omd", "optimistic_adam")
    version = 2
    group = "update rule"
    source = "Daskalakis et al. 2018, arXiv:1711.00141, algorithm 1"
    addresses = "rotation, at the cost of a plain step"
    traits = ("update rule",)
    conflicts = {"update rule": "a step has one update rule"}

    def rule(self, context: StepContext) -> tuple[PlayerUpdate, PlayerUpdate]:
        """Return both players' updates at the same weights."""
        updates = context.update_of("D"), context.update_of("G")
        return self._move(context, context.d, updates[0]), self._move(context, context.g, updates[1])

    def lone_update(self, context: StepContext, player: PlayerName) -> PlayerUpdate:
        """Move one player alone; each of its updates looks back at its last one."""
        return self._move(context, context.player(player), context.update_of(player))

    def _move(self, context: StepContext, player: Player, update: PlayerUpdate) -> PlayerUpdate:
        before = player.flat.clone()
        update = context.apply_update(player, update)
        step = player.flat - before
        if "optimistic" in player.memory:
            player.flat.add_(step).sub_(player.memory["optimistic"])
            context.bound(player)
        player.memory["optimistic"] = step
        return update
