"""Tricks: one file each; a file's presence registers it.

A trick overrides one or more of the hooks of `Trick`. Which ones is worked out once, when a trial is built, so that the
engine pays for no hook that no trick overrides. All hooks are rank-polymorphic: they work on `[..., B, *sample]`, the
seeds being among the leading axes, and never mention seeds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ganbench.core.component import Component
from ganbench.core.lazy import Tensor, torch
from ganbench.core.protocols import (
    DiscriminatorView,
    Noise,
    Params,
    Player,
    PlayerName,
    PlayerUpdate,
    Side,
    StepContext,
    Targets,
)

if TYPE_CHECKING:
    from ganbench.networks import Network

# The `conflicts` of a penalty on ‖∇ₓD‖.
NO_GRADIENT_OF_ONE_SAMPLE = {
    "couples samples": "the gradient of one sample's logit would hold the other samples' too",
    "random discriminator": "the penalty would differentiate the noise of the discriminator",
}


@dataclass(frozen=True)
class Trick(Component):
    """A change to plain GAN training: it overrides one or more hooks, every method here but those of `Component`.

    Attributes:
        requires_real: its hooks of the generator's loss look at real samples, so the generator's step draws a real
            minibatch.
        cost: what a step with it takes, in plain steps (results/baselines/trick_costs.json); `ganbench plan` estimates
            with it. cost_per: parameter → what each unit of it adds to `cost`.
        reads_optimizer: it reads the optimiser's options, so that all lanes of a trial must have the same.
        compiles: whether its part of the losses is a function of tensors, see `training/compiled.py`: without memory,
            and without Python that depends on a tensor's value or on the number of the step.
    """

    kind: ClassVar[str] = "trick"
    requires_real: ClassVar[bool] = False
    cost: ClassVar[float] = 1.0
    cost_per: ClassVar[Mapping[str, float]] = {}
    reads_optimizer: ClassVar[bool] = False
    compiles: ClassVar[bool] = True

    @property
    def step_cost(self) -> float:
        """Return what a step with it takes, in plain steps."""
        return self.cost + sum(rate * getattr(self, name) for name, rate in self.cost_per.items())

    @property
    def hooks(self) -> frozenset[str]:
        """Return the names of the hooks that the trick overrides."""
        return frozenset(hook for hook in HOOKS if getattr(type(self), hook) is not getattr(Trick, hook))

    # While the trial is built.

    def network(self, network: Network) -> Network:
        """Return the network component with other options."""
        return network

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of one sample as the discriminator sees it, where `inputs` changes it."""
        return shape

    def weight_buffers(self, params: Params, generator: torch.Generator) -> Params:
        """Return the buffers that `weights` keeps and moves, for one seed."""
        return {}

    def extra_hidden_params(self, width: int, generator: torch.Generator) -> tuple[Params, int]:
        """Return one seed's parameters of `extra_hidden`, and how many features E it adds to a layer of `width`."""
        return {}, 0

    # What the networks are given, and what they make of it.

    def latent(self, z: Tensor) -> Tensor:
        """Return the generator's input, made of standard normal numbers `[..., Z]`, wherever it generates."""
        return z

    def evaluation_latent(self, z: Tensor) -> Tensor:
        """Return the generator's input in evaluations, made of what `latent` returned, `[..., Z]`."""
        return z

    def inputs(self, x: Tensor, view: DiscriminatorView, side: Side) -> Tensor:
        """Return what the discriminator sees of samples `[..., B, *sample]`."""
        return x

    def weights(self, params: Params, buffers: Params, training: bool) -> Params:
        """Return the discriminator's parameters as its layers use them; in training it may move buffers in place."""
        return params

    def extra_hidden(self, h: Tensor, params: Params) -> Tensor:
        """Return more features for the discriminator's last layer, `[..., B, F] → [..., B, E]`."""
        return h[..., :0]

    # Losses.

    def targets(self, targets: Targets, shape: torch.Size, noise: Noise) -> Targets:
        """Return what the discriminator is asked to answer; its logits have `shape` `[..., B]`."""
        return targets

    def penalty(self, view: DiscriminatorView) -> Tensor:
        """Return what is added to the discriminator's loss, `[...]`."""
        return view.fake_logits.new_zeros(())

    def generator_logits(
        self, fake: Tensor, real: Tensor | None, view: DiscriminatorView
    ) -> tuple[Tensor, Tensor | None]:
        """Return the fake and real logits that the generator's loss is taken of, `[..., B] → [..., B']`."""
        return fake, real

    def generator_loss(self, view: DiscriminatorView) -> Tensor:
        """Return the generator's loss in place of the loss's own, `[...]`."""
        raise NotImplementedError

    def generator_penalty(self, view: DiscriminatorView) -> Tensor:
        """Return what is added to the generator's loss, `[...]`."""
        return view.fake_logits.new_zeros(())

    # Updates.

    def before_step(self, context: StepContext) -> None:
        """Act before either player moves."""

    def rule(self, context: StepContext) -> tuple[PlayerUpdate, PlayerUpdate]:
        """Move both players from the same weights in place of plain updates; return the update of D and of G."""
        raise NotImplementedError

    def lone_update(self, context: StepContext, player: PlayerName) -> PlayerUpdate:
        """Move one player alone by the rule: D in the first `n_critic` − 1 updates, G where D waits (`n_generator`)."""
        return context.apply_update(context.player(player), context.update_of(player))

    def gradients(self, player: Player, gradient: Tensor) -> Tensor:
        """Return the gradient `[..., P]` that a player's optimiser is given."""
        return gradient

    def after(self, player: PlayerName, weights: Tensor) -> None:
        """Change a player's weights `[..., P]` in place after its update."""

    def after_step(self, context: StepContext, step: int) -> None:
        """Act after both players moved in step number `step`, from 1."""


HOOKS = tuple(name for name, member in vars(Trick).items() if callable(member) and not name.startswith("_"))
