"""Extragradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganbench.tricks import Trick

if TYPE_CHECKING:
    from ganbench.core.protocols import PlayerUpdate
    from ganbench.training.step import StepContext


@dataclass(frozen=True)
class Extragradient(Trick):
    """Look ahead by a simultaneous step, then step from where one was with the gradient found there.

    ω′ = ω − η v(ω), ω ← ω − η v(ω′), v the gradients of both players. Each half draws its own minibatch; with Adam both
    halves move its moments. Twice the cost of a step. On xy it contracts by √(1 − η² + η⁴).
    """

    name = "extragradient"
    group = "update rule"
    source = "Korpelevich 1976; Gidel et al. 2019, arXiv:1802.10551, algorithm 4"
    addresses = "rotation: converges on bilinear games"
    cost = 2.0
    traits = ("update rule",)
    conflicts = {"update rule": "a step has one update rule"}

    def rule(self, context: StepContext) -> tuple[PlayerUpdate, PlayerUpdate]:
        """Return both players' passes at the point ahead."""
        d, g = context.d, context.g
        here = d.flat.clone(), g.flat.clone()
        ahead = context.discriminator_update(), context.generator_update()
        context.apply_update(d, ahead[0])
        context.apply_update(g, ahead[1])
        there = context.discriminator_update(), context.generator_update()
        d.flat.copy_(here[0])
        g.flat.copy_(here[1])
        return context.apply_update(d, there[0]), context.apply_update(g, there[1])
