"""Tricks: one file each; a file's presence registers it.

A trick is a component with one or more of the hooks below, found by name when a trial is built; the engine pays for
no hook that no trick has. All are rank-polymorphic: they work on `[..., B, *sample]` and never mention seeds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ganbench.core.component import Component

HOOKS = {
    "network": "network(network) -> Network: the network component with other options (frozen; use dataclasses.replace)",
    "targets": "targets(targets, shape, noise) -> Targets: what the discriminator is asked to answer; shape = [..., B]",
    "inputs": "inputs(x, noise, progress) -> Tensor: what the discriminator sees, real and fake alike; progress in [0, 1]",
    "weights": "weights(params, buffers, training) -> params: reparametrised discriminator weights; may move buffers",
    "weight_buffers": "weight_buffers(params, generator) -> buffers: what `weights` keeps, for one seed",
    "features": "features(h, params) -> Tensor: more features for the last layer, [..., B, F] -> [..., B, E]",
    "feature_params": "feature_params(width, generator) -> (params, E): parameters of `features`, for one seed",
    "penalty": "penalty(critic) -> Tensor: added to the discriminator's loss, [...]",
    "generator_penalty": "generator_penalty(critic) -> Tensor: added to the generator's loss, [...]",
    "gradients": "gradients(player, grads) -> grads: changed before the optimiser sees them; player is 'D' or 'G'",
    "after": "after(player, params) -> None: changes a player's weights in place after its update",
}


@dataclass(frozen=True)
class Trick(Component):
    """A change to plain GAN training; see `HOOKS` for what it may define."""

    kind: ClassVar[str] = "trick"
