"""Extragradient."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.core.protocols import PlayerName, PlayerUpdate, StepContext
from ganbench.tricks import Trick


@dataclass(frozen=True)
class Extragradient(Trick):
    """Look ahead by a simultaneous step, then step from where one was with the gradient found there.

    ω′ = ω − η v(ω), ω ← ω − η v(ω′), v the gradients of both players. Each half draws its own minibatch; with Adam both
    halves move its moments. A player that moves alone (`n_critic`, `n_generator`) looks ahead alone. Twice the cost of
    a step. On xy it contracts by √(1 − η² + η⁴).
    """

    name = "extragradient"
    version = 2
    group = "update rule"
    source = "Korpelevich 1976; Gidel et al. 2019, arXiv:1802.10551, algorithm 4"
    addresses = "rotation: converges on bilinear games"
    cost = 2.0
    traits = ("update rule",)
    conflicts = {"update rule": "a step has one update rule"}

    def rule(self, context: StepContext) -> tuple[PlayerUpdate, PlayerUpdate]:
        """Return both players' updates at the point ahead."""
        d, g = context.d, context.g
        here = d.flat.clone(), g.flat.clone()
        context.apply_both(context.update_of("D"), context.update_of("G"))
        there = context.update_of("D"), context.update_of("G")
        d.flat.copy_(here[0])
        g.flat.copy_(here[1])
        return context.apply_both(*there)

    def lone_update(self, context: StepContext, player: PlayerName) -> PlayerUpdate:
        """Move one player alone by its gradient at the point ahead of it."""
        mover = context.player(player)
        here = mover.flat.clone()
        context.apply_update(mover, context.update_of(player))
        there = context.update_of(player)
        mover.flat.copy_(here)
        return context.apply_update(mover, there)
