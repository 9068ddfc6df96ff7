"""Unrolled GANs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from ganbench.core.facts import TrialFacts
from ganbench.core.lazy import Tensor, torch
from ganbench.core.protocols import Player, PlayerName, PlayerUpdate, StepContext
from ganbench.tricks import Trick

_UNDER_ROOT = 1e-24  # the root's slope is infinite at a zero second moment


@dataclass(frozen=True)
class Unrolled(Trick):
    """Give the generator the gradient through `steps` updates that the discriminator is about to make.

    The generator's loss is taken at D_K = D₀ − Σ η Δ_k, with the generator inside every Δ_k and the discriminator's own
    optimiser (Adam with its moments, or SGD) in the graph; all K updates see one minibatch, and the discriminator then
    makes the first of them. Of a zero-sum loss (`minimax`, `wasserstein`, f-GANs) that is the paper's value function,
    −L_D(D_K) with its real term: through D_K it depends on the generator as well. Other losses, which the paper has
    not, keep the generator's own, such as E s(−f) of `non_saturating`. Costs 1.3 to 1.7 (K + 1) steps.
    """

    name = "unrolled"
    aliases = ("unrolled_gan",)
    version = 3
    group = "update rule"
    source = "Metz et al. 2016, arXiv:1611.02163, eq. 7-11, and the authors' notebook"
    addresses = "mode collapse and hopping: the generator foresees the discriminator's answer"
    cost_per = {"steps": 1.4}
    traits = ("update rule",)
    reads_optimizer = True
    conflicts = {
        "update rule": "a step has one update rule",
        "no second gradient": "the discriminator's layers cannot be differentiated twice",
    }

    steps: Annotated[int, Ge(1)] = 5

    def skip(self, trial: TrialFacts) -> str | None:
        """Return why the discriminator's updates cannot be foreseen."""
        if trial.optimizer.name not in ("adam", "sgd"):
            return f"{trial.optimizer.name} cannot be unrolled: its update is not written as a differentiable one"
        for trick in (choice.build() for choice in trial.tricks):
            if {"gradients", "after"} & trick.hooks:
                return f"{trick.name} changes updates after the gradient, which the unrolled ones would not foresee"
        return None

    def rule(self, context: StepContext) -> tuple[PlayerUpdate, PlayerUpdate]:
        """Return the discriminator's update, which is the first unrolled update's, and the generator's unrolled one."""
        return context.apply_both(*self._updates(context))

    def lone_update(self, context: StepContext, player: PlayerName) -> PlayerUpdate:
        """Move the discriminator plainly, or the generator against a discriminator that is foreseen and waits."""
        if player == "D":
            return context.apply_update(context.d, context.update_of("D"))
        with _kept(context.d) as keep:
            keep()  # D does not move, so all of its passes are foreseen ones
            update = self._updates(context)[1]
        return context.apply_update(context.g, update)

    def _updates(self, context: StepContext) -> tuple[PlayerUpdate, PlayerUpdate]:
        context = context.differentiable_twice()  # penalties at fakes depend on the generator too
        d, g = context.d, context.g
        batch = context.generated(g.params, context.minibatch())
        context.set_rate(d)
        flat = d.flat.detach().clone().requires_grad_()
        update, updates = _inner(d), []
        with _kept(d) as keep:
            for k in range(1, self.steps + 1):
                losses = context.discriminator_loss(d.views(flat), g.params, batch, through_generator=True)
                (gradient,) = torch.autograd.grad(losses.loss.sum(), flat, create_graph=True)
                if k == 1:
                    updates.append(context.make_update(d, losses, list(d.views(gradient).values())))
                    keep()  # what tricks remember goes on from the update that is made, not from those foreseen
                flat = update(flat, gradient, k)
            losses = context.generator_loss(d.views(flat), g.params, batch, whole_game=True)
            gradients = torch.autograd.grad(losses.loss.sum(), list(g.params.values()))
        return updates[0], context.make_update(g, losses, gradients)


@contextlib.contextmanager
def _kept(player: Player) -> Iterator[Callable[[], None]]:
    """Put back, at the end, the buffers and the memory that the player had when the given function was called."""
    kept: dict[str, dict[str, Tensor]] = {}

    def keep() -> None:
        for name, tensors in (("buffers", player.buffers), ("memory", player.memory)):
            kept[name] = {n: t.detach().clone() for n, t in tensors.items()}

    yield keep
    for name, tensor in kept["buffers"].items():
        player.buffers[name].copy_(tensor)
    player.memory.clear()
    player.memory.update(kept["memory"])


class _inner:  # noqa: N801 - used as a function with memory
    """The optimiser's next updates as differentiable functions of the gradient; its own state is left alone."""

    def __init__(self, player: Player) -> None:
        self.options = player.optimizer.param_groups[0]
        state = player.optimizer.state.get(player.flat, {})
        zeros = torch.zeros_like(player.flat)
        self.first: Tensor = state.get("exp_avg", state.get("momentum_buffer", zeros))
        self.second: Tensor = state.get("exp_avg_sq", zeros)
        self.done = float(state.get("step", 0))
        self.adam = "betas" in self.options

    def __call__(self, flat: Tensor, gradient: Tensor, k: int) -> Tensor:
        """Return the weights after the k-th unrolled update."""
        lr = self.options["lr"]
        if not self.adam:
            momentum = self.options["momentum"]
            self.first = momentum * self.first + gradient if momentum else gradient
            return flat - lr * self.first
        beta1, beta2 = self.options["betas"]
        self.first = torch.lerp(gradient, self.first, beta1)
        self.second = torch.add(beta2 * self.second, gradient.square(), alpha=1 - beta2)
        # lr · m̂ / (√v̂ + ε) with both corrections in the two constants: half as many operations in the graph.
        n = self.done + k
        correction = (1 - beta2**n) ** 0.5
        root = (self.second + _UNDER_ROOT).sqrt() + self.options["eps"] * correction
        return torch.addcdiv(flat, self.first, root, value=-lr * correction / (1 - beta1**n))
