"""What a step works on: a trial's components, its two players with their stacked weights, the discriminator's view."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Generator, Tensor

from ganbench.core.protocols import Noise, Params, PlayerName, Side
from ganbench.core.streams import stream
from ganbench.core.trial import Trial
from ganbench.datasets import Data
from ganbench.training.lanes import LaneComponents
from ganbench.training.layout import Layout
from ganbench.training.noise import PackedNoise
from ganbench.tricks import HOOKS, Trick

_ENGINE = torch.autograd.Variable._execution_engine


@dataclass
class PackedPlayer:
    """A player of all seeds (`ganbench.core.protocols.Player`).

    Attributes:
        layout: where each parameter lies in `flat`.
        frozen: the views in `params` without a gradient, for the other player's loss.
    """

    name: PlayerName
    layout: Layout
    flat: Tensor
    params: Params
    buffers: Params
    optimizer: torch.optim.Optimizer
    memory: dict[str, Tensor] = field(default_factory=dict)
    frozen: Params = field(init=False)

    def __post_init__(self) -> None:
        self.frozen = {name: view.detach() for name, view in self.params.items()}
        self._leaves, self._ones = tuple(self.params.values()), self.flat.new_ones(len(self.flat))

    def gradients(self, loss: Tensor) -> tuple[Tensor, ...]:
        """Return the gradient of each seed's loss `[S]` by each parameter.

        It is what `torch.autograd.grad` calls in the end. Its checks before that take a tenth of a step of one seed.
        """
        return _ENGINE.run_backward((loss,), (self._ones,), False, False, self._leaves, False, accumulate_grad=False)

    def views(self, flat: Tensor) -> Params:
        """Return each parameter as a view of a tensor laid out as `flat`."""
        return self.layout.views(flat)

    def flatten(self, tensors: Sequence[Tensor]) -> Tensor:
        """Return tensors, one for each parameter, laid out as `flat`."""
        return self.layout.flatten(tensors)


class TrialSetup:
    """Everything about a trial that does not change while it trains; the players' weights are passed in.

    Attributes:
        hooks: hook → the tricks that override it, in the trial's order.
        rule: the trick whose update rule takes the place of plain updates, or None.
        stateful_discriminator: the discriminator's loss of a loss with a state of its own, else None.
        generator_needs_real: whether the generator's loss looks at real samples.
        trunk, head: the discriminator up to its last hidden layer, of `width` features, and from there on.
    """

    def __init__(self, trial: Trial, device: torch.device) -> None:
        self.trial, self.device = trial, device
        self._take(LaneComponents.of(trial, None, device))
        dataset = trial.dataset.build()
        self.data: Data = dataset.load(device)
        self.dequantization_width = dataset.dequantization_width
        self.indices_per_sample = self.data.sample_indices(Generator(device), 1).numel()
        network, seen_shape = trial.network.build(), dataset.shape
        for trick in self.hooks["network"]:
            network = trick.network(network)
        for trick in self.hooks["shape"]:
            seen_shape = trick.shape(seen_shape)
        self.latent = network.latent
        self.generator = network.generator(dataset.shape)
        self.trunk, self.width = network.trunk(seen_shape)
        self._network = network

    def _take(self, components: LaneComponents) -> None:
        self.components, self.loss = components, components.loss
        self.stateful_discriminator = self.loss.stateful_discriminator if self.loss.is_stateful else None
        tricks = components.tricks
        self.hooks: dict[str, list[Trick]] = {hook: [t for t in tricks if hook in t.hooks] for hook in HOOKS}
        self.rule = self.hooks["rule"][0] if self.hooks["rule"] else None
        self.generator_needs_real = self.loss.requires_real or any(
            t.requires_real for t in (*self.hooks["generator_penalty"], *self.hooks["generator_loss"])
        )

    def of_lane(self, lane: int) -> TrialSetup:
        """Return the same for one place of the seed axis, S = 1."""
        if not self.trial.settings:
            return self
        one = copy.copy(self)
        one._take(LaneComponents.of(self.trial, [lane], self.device))
        return one

    def players(self, seeds: Sequence[int]) -> tuple[PackedPlayer, PackedPlayer]:
        """Return discriminator and generator as they start, each seed from its own streams."""
        d = {seed: self._init_discriminator(seed) for seed in dict.fromkeys(seeds)}
        g = {seed: self.generator.init(_cpu_generator(seed, "init G")) for seed in d}
        stacked_d, stacked_g = (_stack([states[seed] for seed in seeds], self.device) for states in (d, g))
        return self._player("D", *stacked_d), self._player("G", *stacked_g)

    def _init_discriminator(self, seed: int) -> tuple[Params, Params]:
        generator = _cpu_generator(seed, "init D")
        params, buffers = self.trunk.init(generator)
        width = self.width
        for trick in self.hooks["extra_hidden_params"]:
            extra_params, extra_width = trick.extra_hidden_params(self.width, generator)
            params |= extra_params
            width += extra_width
        self.head = self._network.head(width)
        params |= self.head.init(generator)[0]
        for trick in self.hooks["weight_buffers"]:
            buffers |= trick.weight_buffers(params, generator)
        return params, buffers

    def _player(self, name: PlayerName, params: Params, buffers: Params) -> PackedPlayer:
        first = next(iter(params.values()))
        layout = Layout({n: p.shape[1:] for n, p in params.items()}, len(first), self.device)
        flat = layout.flatten(list(params.values()))
        views = {n: view.requires_grad_() for n, view in layout.views(flat).items()}
        return PackedPlayer(name, layout, flat, views, buffers, self.components.optimizer(flat, name))

    def latents(self, z: Tensor, *, judged: bool = False) -> Tensor:
        """Return the generator's input made of standard normal numbers `[S, B, Z]`."""
        for trick in self.hooks["latent"]:
            z = trick.latent(z)
        for trick in self.hooks["evaluation_latent"] if judged else ():
            z = trick.evaluation_latent(z)
        return z

    def generate(self, params: Params, buffers: Params, z: Tensor, *, training: bool, noise: Noise | None) -> Tensor:
        """Return generated samples `[S, B, *shape]` of latents `[S, B, Z]`."""
        return self.generator.apply(params, buffers, z, training=training, noise=noise)


class PackedView:
    """The discriminator of all seeds as tricks see it (`ganbench.core.protocols.DiscriminatorView`).

    Reparametrisations (spectral norm) are applied once here, so that all forward passes of one gradient share them.

    Args:
        setup, params, buffers: the trial, and the discriminator's weights before reparametrisation.
        noise: random numbers of this step.
        progress: share of the steps done, in [0, 1).
        player: whose loss it is for.
        memory: what losses and tricks keep from step to step, seeds on the first axis; it goes into checkpoints.
        training: whether layers are in training mode.
        grad_through_inputs: whether `squared_grad_norm` carries a gradient to where it is taken.
    """

    z: Tensor
    real: Tensor
    fake: Tensor
    real_hidden: Tensor
    fake_hidden: Tensor
    real_logits: Tensor
    fake_logits: Tensor
    batch_dim = 1

    def __init__(
        self,
        setup: TrialSetup,
        params: Params,
        buffers: Params,
        noise: PackedNoise,
        progress: float,
        player: PlayerName,
        memory: dict[str, Tensor],
        *,
        training: bool = True,
        grad_through_inputs: bool = False,
    ) -> None:
        self.setup, self.buffers, self.noise, self.progress = setup, buffers, noise, progress
        self.player: PlayerName = player
        self.memory = memory
        self.training, self.grad_through_inputs = training, grad_through_inputs
        self._sources: dict[Side, Tensor | None] = {}
        for trick in setup.hooks["weights"]:
            params = trick.weights(params, buffers, training)
        self.params = params

    @property
    def step(self) -> int:
        """Return how many steps are done."""
        return round(self.progress * self.setup.trial.steps)

    def show(self, z: Tensor, fake: Tensor, real: Tensor | None) -> None:
        """Show it a minibatch: fakes `[S, B, *sample]` of latents `[S, B, Z]`, and real samples."""
        self.z, self.fake = z, self.preprocess(fake, "fake")
        if real is not None:
            self.real = self.preprocess(real, "real")

    def answer(self, *, with_real: bool) -> None:
        """Fill in the last hidden layers and the logits of what it was shown."""
        if with_real:
            self.real_hidden = self.hidden(self.real)
            self.real_logits = self.logits(self.real_hidden)
        self.fake_hidden = self.hidden(self.fake)
        self.fake_logits = self.logits(self.fake_hidden)

    def preprocess(self, x: Tensor, side: Side) -> Tensor:
        """Return what the discriminator sees of samples: noisy, augmented, packed."""
        source, penalised = None, self.player == "D" and bool(self.setup.hooks["penalty"])
        for trick in self.setup.hooks["inputs"]:
            # A trick that shows other samples instead (replayed ones) leaves nothing to differentiate through.
            changes = "changed inputs" in trick.all_traits
            if penalised and changes and source is None:
                source = x = x if x.requires_grad else x.detach().requires_grad_()
            x = trick.inputs(x, self, side)
            source = source if changes else None
        self._sources[side] = source
        return x

    def __call__(self, x: Tensor) -> Tensor:
        """Return the logits `[S, B]` of what was seen, `[S, B, *sample]`."""
        return self.logits(self.hidden(x))

    def logits(self, h: Tensor) -> Tensor:
        """Return the logits `[S, B]` of the last hidden layer `[S, B, F]`."""
        setup = self.setup
        extra = [trick.extra_hidden(h, self.params) for trick in setup.hooks["extra_hidden"]]
        if extra:
            h = torch.cat((h, *extra), dim=-1)
        return setup.head.apply(self.params, self.buffers, h, training=self.training, noise=self.noise).squeeze(-1)

    def hidden(self, x: Tensor) -> Tensor:
        """Return the last hidden layer `[S, B, F]`."""
        return self.setup.trunk.apply(self.params, self.buffers, x, training=self.training, noise=self.noise)

    def squared_grad_norm(self, x: Tensor) -> Tensor:
        """Return ‖∇ₓD(x)‖² a sample, `[S, B]`, of the sample before augmentations where it was shown."""
        side: Side | None = "real" if x is getattr(self, "real", None) else "fake" if x is self.fake else None
        source = None if side is None else self._sources[side]
        if source is None:
            if not (self.grad_through_inputs and x.requires_grad):
                x = x.detach().requires_grad_()
            source = x
        (gradient,) = torch.autograd.grad(self(x).sum(), source, create_graph=True)
        return gradient.flatten(1).unflatten(1, (x.shape[1], -1)).square().sum(-1)  # packed samples lie side by side


def _cpu_generator(seed: int, name: str) -> Generator:
    """Return a generator of one named stream; weights start on the CPU, so that every device starts alike."""
    return Generator().manual_seed(stream(seed, name))


def _stack(states: Sequence[tuple[Params, Params]], device: torch.device) -> tuple[Params, Params]:
    """Return one seed's dictionaries as dictionaries of stacked tensors `[S, …]` on the device."""
    params, buffers = zip(*states, strict=True)
    return (
        {name: torch.stack([p[name] for p in params]).to(device) for name in params[0]},
        {name: torch.stack([b[name] for b in buffers]).to(device) for name in buffers[0]},
    )
