"""What the hooks of components are handed: a view of the discriminator, a player, a step, random numbers.

What is written here is all that a component may use of them; the engine, `ganbench.training`, makes them. Axes: `S`
seed, `B` batch, `Z` latent, `F` features of the last hidden layer, `P` all weights of a player.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from ganbench.core.lazy import Tensor, torch

PlayerName = Literal["D", "G"]
Side = Literal["real", "fake"]
Params = dict[str, Tensor]


@dataclass(frozen=True)
class Targets:
    """What the discriminator is asked to answer: 1 for real and 0 for fake unless a trick softens or flips it.

    Each is a number or a tensor that broadcasts against the logits `[..., B]`.
    """

    real: float | Tensor = 1.0
    fake: float | Tensor = 0.0


HARD = Targets()


class Noise(Protocol):
    """The trial's random numbers: named streams of each seed; every method returns `[S, *shape]` for the next use."""

    def normal(self, name: str, *shape: int) -> Tensor:
        """Return standard normal numbers."""
        ...

    def uniform(self, name: str, *shape: int) -> Tensor:
        """Return uniform numbers in [0, 1)."""
        ...


class Player(Protocol):
    """One network's weights of all seeds, and the optimiser that moves them.

    Attributes:
        flat: all weights `[S, P]`. params: each parameter `[S, …]`, a view of `flat`; the gradient is taken there.
        memory: what losses and tricks keep from step to step, seeds on the first axis; it goes into checkpoints.
    """

    name: PlayerName
    flat: Tensor
    params: Params
    buffers: Params
    optimizer: torch.optim.Optimizer
    memory: dict[str, Tensor]

    def views(self, flat: Tensor) -> Params:
        """Return each parameter as a view of a tensor laid out as `flat`."""
        ...

    def flatten(self, tensors: Sequence[Tensor]) -> Tensor:
        """Return tensors, one for each parameter, laid out as `flat`."""
        ...


class DiscriminatorView(Protocol):
    """The discriminator at fixed weights with the minibatch that it is shown: what penalties work on.

    Attributes:
        z: latents of the fakes, `[S, B, Z]`.
        real, fake: what it was shown, `[S, B, *sample]`; there is no `real` in the generator's step unless its loss
            looks at real samples.
        real_hidden, fake_hidden: its last hidden layer of both, `[S, B, F]`. real_logits, fake_logits: `[S, B]`.
        params: the weights that the layers use, reparametrised (spectral norm).
        player: whose loss it is for.
        memory: what losses and tricks keep from step to step, seeds on the first axis; it goes into checkpoints.
        progress: share of the steps done, in [0, 1); a float64 tensor `[]` where the step is compiled.
        batch_dim: the axis of the samples.
    """

    z: Tensor
    real: Tensor
    fake: Tensor
    real_hidden: Tensor
    fake_hidden: Tensor
    real_logits: Tensor
    fake_logits: Tensor
    params: Params
    player: PlayerName
    memory: dict[str, Tensor]
    progress: float
    batch_dim: int

    @property
    def step(self) -> int:
        """Return how many steps are done."""
        ...

    @property
    def noise(self) -> Noise:
        """Return the random numbers of this step."""
        ...

    def __call__(self, x: Tensor) -> Tensor:
        """Return the logits `[S, B]` of what was seen, `[S, B, *sample]`."""
        ...

    def hidden(self, x: Tensor) -> Tensor:
        """Return the last hidden layer `[S, B, F]`."""
        ...

    def squared_grad_norm(self, x: Tensor) -> Tensor:
        """Return ‖∇ₓD(x)‖² a sample, `[S, B]`, differentiable with respect to the weights.

        Where `x` is `real` or `fake` the gradient is with respect to the sample before augmentations changed it.
        """
        ...


class Batch(NamedTuple):
    """A minibatch: latents `[S, B, Z]` and real samples `[S, B, *shape]`; None where a loss has no use for them.

    `fake` holds the samples of `z` where several losses share them (`StepContext.generated`).
    """

    z: Tensor
    real: Tensor | None
    fake: Tensor | None = None


class Losses(NamedTuple):
    """One player's loss `[S]` with the logits `[S, B]` it was taken from."""

    loss: Tensor
    real_logits: Tensor | None
    fake_logits: Tensor


@dataclass(frozen=True)
class PlayerUpdate:
    """One player's update, as diagnostics read it; every tensor may have leading axes (seeds).

    Attributes:
        loss: `[...]`, penalties included.
        real_logits, fake_logits: `[..., B]`; real is None where the loss did not look at real samples.
        gradient: of all weights, `[..., P]`, before clipping. views: names the parameters of such a tensor.
        before, after: all weights around the update; `before` is None unless a diagnostic asked for it.
    """

    loss: Tensor
    real_logits: Tensor | None
    fake_logits: Tensor
    gradient: Tensor
    views: Callable[[Tensor], Mapping[str, Tensor]]
    after: Tensor
    before: Tensor | None


class StepContext(Protocol):
    """One step under way: the moves that update rules are made of."""

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

    def player(self, name: PlayerName) -> Player:
        """Return the player of that name."""
        ...

    def minibatch(self, with_real: bool = True) -> Batch:
        """Return a fresh minibatch."""
        ...

    def generated(self, g: Params, batch: Batch) -> Batch:
        """Return the minibatch with its fakes, generated once for all losses that are taken on it at these weights."""
        ...

    def discriminator_loss(self, d: Params, g: Params, batch: Batch, through_generator: bool = False) -> Losses:
        """Return the discriminator's loss at these weights; its fakes carry a gradient only if asked to."""
        ...

    def generator_loss(self, d: Params, g: Params, batch: Batch, *, whole_game: bool = False) -> Losses:
        """Return the generator's loss at these weights.

        With `whole_game` the loss of a zero-sum game is −L_D with its real term, which counts where the discriminator's
        weights depend on the generator's. The batch then has real samples.
        """
        ...

    def update_of(self, name: PlayerName) -> PlayerUpdate:
        """Return a player's loss on a fresh minibatch and its gradient; nothing moves."""
        ...

    def make_update(self, player: Player, losses: Losses, gradients: Sequence[Tensor]) -> PlayerUpdate:
        """Return an update for reading and for `apply_update`, from a loss and its gradient by parameter."""
        ...

    def apply_update(self, player: Player, update: PlayerUpdate) -> PlayerUpdate:
        """Move a player's weights by its optimiser; return the update, with the weights before it if asked for."""
        ...

    def apply_both(self, of_d: PlayerUpdate, of_g: PlayerUpdate) -> tuple[PlayerUpdate, PlayerUpdate]:
        """Move both players, the discriminator first, as `apply_update` does."""
        ...

    def set_rate(self, player: Player) -> None:
        """Give a player's optimiser the rate of this step."""
        ...

    def bound(self, player: Player) -> None:
        """Apply what tricks do to a player's weights after they moved."""
        ...

    def differentiable_twice(self) -> StepContext:
        """Return the context for gradients that are differentiated again: penalties at fakes depend on both players."""
        ...
