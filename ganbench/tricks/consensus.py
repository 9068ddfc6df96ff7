"""Consensus optimisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from ganbench.core.lanes import along
from ganbench.core.lazy import torch
from ganbench.core.protocols import PlayerName, PlayerUpdate, StepContext
from ganbench.tricks import Trick


@dataclass(frozen=True)
class Consensus(Trick):
    """Let both players shrink the gradients as well: v − γ ∇½‖v‖², v = (−∇L_D, −∇L_G) on one minibatch.

    Both players move from the same weights, and a player that moves alone (`n_critic`, `n_generator`) does so by its
    part of the same rule. A second backward pass through both gradients doubles the cost.
    """

    name = "consensus"
    aliases = ("conopt", "consensus_optimization")
    version = 2
    group = "update rule"
    source = "Mescheder et al. 2017, arXiv:1705.10461, algorithm 2"
    addresses = "rotation: turns imaginary eigenvalues towards negative real parts"
    cost = 3.2
    traits = ("update rule",)
    conflicts = {
        "update rule": "a step has one update rule",
        "no second gradient": "the discriminator's layers cannot be differentiated twice",
    }
    strength = "gamma"
    lanes = ("gamma",)

    gamma: Annotated[float, Ge(0)] = 10.0

    def rule(self, context: StepContext) -> tuple[PlayerUpdate, PlayerUpdate]:
        """Return both players' updates with the regularised gradients."""
        return context.apply_both(*self._updates(context))

    def lone_update(self, context: StepContext, player: PlayerName) -> PlayerUpdate:
        """Move one player alone by its regularised gradient."""
        update = self._updates(context)[0 if player == "D" else 1]
        return context.apply_update(context.player(player), update)

    def _updates(self, context: StepContext) -> tuple[PlayerUpdate, PlayerUpdate]:
        context = context.differentiable_twice()  # penalties at fakes depend on the generator too
        d, g, batch = context.d, context.g, context.minibatch()
        of_d, of_g = list(d.params.values()), list(g.params.values())
        loss_d = context.discriminator_loss(d.params, g.params, batch, through_generator=True)
        loss_g = context.generator_loss(d.params, g.params, batch)
        grads_d = torch.autograd.grad(loss_d.loss.sum(), of_d, create_graph=True)
        grads_g = torch.autograd.grad(loss_g.loss.sum(), of_g, create_graph=True)
        energy = 0.5 * torch.stack([v.square().sum() for v in (*grads_d, *grads_g)]).sum()
        pull = torch.autograd.grad(energy, [*of_d, *of_g], allow_unused=True, materialize_grads=True)
        moved = [v + along(self.gamma, v, v.dim() - 1) * p for v, p in zip((*grads_d, *grads_g), pull, strict=True)]
        update_d = context.make_update(d, loss_d, moved[: len(of_d)])
        update_g = context.make_update(g, loss_g, moved[len(of_d) :])
        return update_d, update_g
