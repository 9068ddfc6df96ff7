"""Tricks: one file each; a file's presence registers it.

A trick is a component with one or more of the hooks below, found by name when a trial is built; the engine pays for
no hook that no trick has. All are rank-polymorphic: they work on `[..., B, *sample]` and never mention seeds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from ganbench.core.component import Component

if TYPE_CHECKING:
    from torch import Tensor

    from ganbench.core.protocols import Noise

HOOKS = {
    "network": "network(network) -> Network: the network component with other options",
    "shape": "shape(shape) -> shape: of what the discriminator sees, where `inputs` changes it",
    "targets": "targets(targets, shape, noise) -> Targets: what the discriminator is asked to answer; shape [..., B]",
    "inputs": "inputs(x, critic, side) -> Tensor: what the discriminator sees; side is 'real' or 'fake'",
    "weights": "weights(params, buffers, training) -> params: reparametrised discriminator weights",
    "weight_buffers": "weight_buffers(params, generator) -> buffers: what `weights` keeps and moves, for one seed",
    "features": "features(h, params) -> Tensor: more features for the last layer, [..., B, F] -> [..., B, E]",
    "feature_params": "feature_params(width, generator) -> (params, E): parameters of `features`, for one seed",
    "penalty": "penalty(critic) -> Tensor: added to the discriminator's loss, [...]",
    "generator_penalty": "generator_penalty(critic) -> Tensor: added to the generator's loss, [...]",
    "gradients": "gradients(player, gradient) -> gradient: [..., P], before the optimiser has it; player 'D' or 'G'",
    "after": "after(player, weights) -> None: changes a player's weights [..., P] in place after its update",
}


class Critic(Protocol):
    """The discriminator at fixed weights with the minibatch it looks at: what penalties work on.

    Attributes:
        real, fake: what the discriminator saw, `[..., B, *sample]`; in the generator's step `real` may be None.
        real_logits, fake_logits: what it answered, `[..., B]`.
        params: its weights. noise: random numbers of this step. progress: share of the steps done, in [0, 1).
    """

    real: Tensor
    fake: Tensor
    real_logits: Tensor
    fake_logits: Tensor
    params: dict[str, Tensor]
    noise: Noise
    progress: float

    def __call__(self, x: Tensor) -> Tensor:
        """Return the logits `[..., B]` of `x` `[..., B, *sample]`."""
        ...

    def slope(self, x: Tensor) -> Tensor:
        """Return ‖∇ₓD(x)‖² a sample, `[..., B]`, differentiable with respect to the weights."""
        ...


@dataclass(frozen=True)
class Trick(Component):
    """A change to plain GAN training; see `HOOKS` for what it may define."""

    kind: ClassVar[str] = "trick"
