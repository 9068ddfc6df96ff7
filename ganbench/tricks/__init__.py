"""Tricks: one file each; a file's presence registers it.

A trick is a component with one or more of the hooks below, found by name when a trial is built; the engine pays for
no hook that no trick has. All are rank-polymorphic: they work on `[..., B, *sample]` and never mention seeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from ganbench.core.component import Component

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from ganbench.core.protocols import Noise, PlayerUpdate

HOOKS = {
    "network": "network(network) -> Network: the network component with other options",
    "shape": "shape(shape) -> shape: of what the discriminator sees, where `inputs` changes it",
    "targets": "targets(targets, shape, noise) -> Targets: what the discriminator is asked to answer; shape [..., B]",
    "inputs": "inputs(x, view, side) -> Tensor: what the discriminator sees; side is 'real' or 'fake'",
    "weights": "weights(params, buffers, training) -> params: reparametrised discriminator weights",
    "weight_buffers": "weight_buffers(params, generator) -> buffers: what `weights` keeps and moves, for one seed",
    "extra_hidden": "extra_hidden(h, params) -> Tensor: more features for the last layer, [..., B, F] -> [..., B, E]",
    "extra_hidden_params": "extra_hidden_params(width, generator) -> (params, E): parameters of it, for one seed",
    "latent": "latent(z) -> z: the generator's input made of standard normal numbers [..., Z], wherever it generates",
    "evaluation_latent": "evaluation_latent(z) -> z: the same, after `latent`, where samples are judged",
    "generator_logits": "generator_logits(fake, real, view) -> (fake, real): logits that the generator's loss is of",
    "generator_loss": "generator_loss(view) -> Tensor: instead of the loss's own generator loss, [...]",
    "penalty": "penalty(view) -> Tensor: added to the discriminator's loss, [...]",
    "generator_penalty": "generator_penalty(view) -> Tensor: added to the generator's loss, [...]",
    "gradients": "gradients(player, gradient) -> gradient: [..., P], before the optimiser has it; a `Player`",
    "rule": "rule(context) -> (PlayerUpdate, PlayerUpdate): both players' last updates of a step",
    "before_step": "before_step(context) -> None: before either player moves",
    "after_step": "after_step(context, step) -> None: after both players moved",
    "after": "after(player, weights) -> None: changes a player's weights [..., P] in place after its update",
}


class DiscriminatorView(Protocol):
    """The discriminator at fixed weights with the minibatch it looks at: what penalties work on.

    Attributes:
        real, fake: what the discriminator saw, `[..., B, *sample]`; in the generator's step `real` may be None.
        batch_dim: how many axes there are before `B`. z: the latents of the fakes, `[..., B, Z]`.
        real_logits, fake_logits: what it answered, `[..., B]`.
        real_hidden, fake_hidden: its last hidden layer of both, `[..., B, F]`; in the generator's step alone.
        params: its weights. noise: random numbers of this step. progress: share of the steps done, in [0, 1).
        player: whose loss it is, 'D' or 'G'. step: from 0.
        memory: what tricks keep from step to step, leading axes first; it goes into checkpoints.
    """

    batch_dim: int
    real: Tensor
    fake: Tensor
    z: Tensor
    real_logits: Tensor
    fake_logits: Tensor
    real_hidden: Tensor
    fake_hidden: Tensor
    params: dict[str, Tensor]
    noise: Noise
    progress: float
    player: Literal["D", "G"]
    step: int
    memory: dict[str, Tensor]

    def __call__(self, x: Tensor) -> Tensor:
        """Return the logits `[..., B]` of `x` `[..., B, *sample]`."""
        ...

    def hidden(self, x: Tensor) -> Tensor:
        """Return the last hidden layer `[..., B, F]` of `x`."""
        ...

    def squared_grad_norm(self, x: Tensor) -> Tensor:
        """Return ‖∇ₓD(x)‖² a sample, `[..., B]`, differentiable with respect to the weights."""
        ...


class Player(Protocol):
    """One network's weights of all seeds: `flat` `[..., P]`, and `params`, views of it by name; 'D' or 'G'."""

    name: Literal["D", "G"]
    flat: Tensor
    params: dict[str, Tensor]
    optimizer: torch.optim.Optimizer
    memory: dict[str, Tensor]

    def views(self, flat: Tensor) -> dict[str, Tensor]:
        """Return each parameter as a view of such a tensor."""
        ...


class Losses(Protocol):
    """One player's loss `[...]` with what it was taken from."""

    loss: Tensor


class StepContext(Protocol):
    """The moves that update rules are made of (`ganbench.training.step.StepContext`)."""

    @property
    def d(self) -> Player:
        """Return the discriminator."""
        ...

    @property
    def g(self) -> Player:
        """Return the generator."""
        ...

    @property
    def progress(self) -> float:
        """Return the share of the steps done, in [0, 1)."""
        ...

    def minibatch(self) -> Any:  # noqa: ANN401 - a minibatch, opaque to rules
        """Return a fresh minibatch."""
        ...

    def generated(self, g: dict[str, Tensor], batch: Any) -> Any:  # noqa: ANN401
        """Return the minibatch with its fakes, generated once for all losses that are taken on it."""
        ...

    def discriminator_loss(
        self,
        d: dict[str, Tensor],
        g: dict[str, Tensor],
        batch: Any,  # noqa: ANN401
        through_generator: bool = False,
    ) -> Losses:
        """Return the discriminator's loss at these weights."""
        ...

    def generator_loss(self, d: dict[str, Tensor], g: dict[str, Tensor], batch: Any) -> Losses:  # noqa: ANN401
        """Return the generator's loss at these weights."""
        ...

    def discriminator_update(self) -> PlayerUpdate:
        """Return the discriminator's gradient on a fresh minibatch."""
        ...

    def generator_update(self) -> PlayerUpdate:
        """Return the generator's gradient on a fresh minibatch."""
        ...

    def make_update(self, player: Player, losses: Losses, gradients: Sequence[Tensor]) -> PlayerUpdate:
        """Return gradients as a pass that `update` takes."""
        ...

    def apply_update(self, player: Player, update: PlayerUpdate) -> PlayerUpdate:
        """Move a player along a pass's gradient by its optimiser."""
        ...


@dataclass(frozen=True)
class Trick(Component):
    """A change to plain GAN training; see `HOOKS` for what it may define.

    Attributes:
        requires_real: its generator penalty looks at real samples, so the generator's step draws a fresh real batch.
        cost: what a step with it takes, in plain steps (results/baselines/trick_costs.json); `ganbench plan` estimates
            with it. cost_per: parameter → what each unit of it adds to `cost`.
    """

    kind: ClassVar[str] = "trick"
    requires_real: ClassVar[bool] = False
    cost: ClassVar[float] = 1.0
    cost_per: ClassVar[Mapping[str, float]] = {}

    @property
    def step_cost(self) -> float:
        """Return what a step with it takes, in plain steps."""
        return self.cost + sum(rate * getattr(self, name) for name, rate in self.cost_per.items())
