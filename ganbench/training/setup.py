"""The two players of a trial: their networks, their stacked weights, and the tricks that have a say in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Generator, Tensor

from ganbench.core.streams import stream
from ganbench.core.trial import Trial
from ganbench.datasets import Data
from ganbench.networks import Params
from ganbench.training.layout import Layout
from ganbench.training.noise import Noise
from ganbench.tricks import HOOKS


@dataclass
class Player:
    """One network's weights of all seeds, and the optimiser that moves them.

    Attributes:
        flat: all weights `[S, P]`. params: each parameter `[S, …]`, a view of `flat`; the gradient is taken there.
        memory: what update rules keep from step to step, `[S, P]` each; it goes into checkpoints.
    """

    name: Literal["D", "G"]
    layout: Layout
    flat: Tensor
    params: Params
    buffers: Params
    optimizer: torch.optim.Optimizer
    memory: dict[str, Tensor] = field(default_factory=dict)

    def views(self, flat: Tensor) -> Params:
        """Return each parameter as a view of a tensor laid out as `flat`."""
        return self.layout.views(flat)


class TrialSetup:
    """Everything about a trial that does not change while it trains; the players' weights are passed in."""

    def __init__(self, trial: Trial, device: torch.device) -> None:
        self.trial, self.device = trial, device
        self.loss = trial.loss.build()
        self.optimizer = trial.optimizer.build()
        self.stateful_discriminator = getattr(self.loss, "stateful_discriminator", None)
        dataset = trial.dataset.build()
        self.data: Data = dataset.load(device)
        self.dequantization_width = dataset.dequantization_width
        self.numbers_a_sample = self.data.sample_indices(Generator(device), 1).numel()
        tricks = [choice.build() for choice in trial.tricks]
        # Fixed once: the step pays for no hook that no trick has.
        self.hooks: dict[str, list[Any]] = {hook: [t for t in tricks if hasattr(t, hook)] for hook in HOOKS}
        self.rule = self.hooks["rule"][0] if self.hooks["rule"] else None
        self.generator_needs_real = self.loss.requires_real or any(
            t.requires_real for t in (*self.hooks["generator_penalty"], *self.hooks["generator_loss"])
        )
        network, seen = trial.network.build(), dataset.shape
        for trick in self.hooks["network"]:
            network = trick.network(network)
        for trick in self.hooks["shape"]:
            seen = trick.shape(seen)
        self.latent = network.latent
        self.generator = network.generator(dataset.shape)
        self.trunk, self.width = network.trunk(seen)
        self._network = network

    def players(self, seeds: Sequence[int]) -> tuple[Player, Player]:
        """Return discriminator and generator as they start, each seed from its own streams."""
        d = _stack([self._init_discriminator(seed) for seed in seeds], self.device)
        g = _stack([self.generator.init(_cpu_generator(seed, "init G")) for seed in seeds], self.device)
        return self._player("D", *d), self._player("G", *g)

    def _init_discriminator(self, seed: int) -> tuple[Params, Params]:
        generator = _cpu_generator(seed, "init D")
        params, buffers = self.trunk.init(generator)
        width = self.width
        for trick in self.hooks["extra_hidden_params"]:
            own, extra = trick.extra_hidden_params(self.width, generator)
            params |= own
            width += extra
        self.head = self._network.head(width)
        params |= self.head.init(generator)[0]
        for trick in self.hooks["weight_buffers"]:
            buffers |= trick.weight_buffers(params, generator)
        return params, buffers

    def _player(self, name: Literal["D", "G"], params: Params, buffers: Params) -> Player:
        first = next(iter(params.values()))
        layout = Layout({n: p.shape[1:] for n, p in params.items()}, len(first), self.device)
        flat = layout.flatten(list(params.values()))
        views = {n: view.requires_grad_() for n, view in layout.views(flat).items()}
        return Player(name, layout, flat, views, buffers, self.optimizer.build([flat], name))

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


class DiscriminatorView:
    """The discriminator at fixed weights, with the minibatch it looks at (`ganbench.tricks.DiscriminatorView`).

    Reparametrisations (spectral norm) are applied once here, so that all forward passes of one gradient share them.
    """

    real: Tensor
    fake: Tensor
    z: Tensor
    real_logits: Tensor
    fake_logits: Tensor
    real_hidden: Tensor
    fake_hidden: Tensor
    batch_dim = 1  # the seeds
    grad_through_inputs = False  # whether slopes carry a gradient to where they are taken
    player: Literal["D", "G"]
    step: int
    memory: dict[str, Tensor]

    def __init__(
        self, setup: TrialSetup, params: Params, buffers: Params, noise: Noise, progress: float, training: bool = True
    ) -> None:
        self.setup, self.buffers, self.noise, self.progress, self.training = setup, buffers, noise, progress, training
        for trick in setup.hooks["weights"]:
            params = trick.weights(params, buffers, training)
        self.params = params

    def preprocess(self, x: Tensor, side: Literal["real", "fake"]) -> Tensor:
        """Return what the discriminator sees of samples: noisy, augmented, packed."""
        for trick in self.setup.hooks["inputs"]:
            x = trick.inputs(x, self, side)
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
        """Return ‖∇ₓD(x)‖² a sample, `[S, B]`, differentiable with respect to the weights."""
        if not (self.grad_through_inputs and x.requires_grad):
            x = x.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(self(x).sum(), x, create_graph=True)
        return gradient.flatten(2).square().sum(-1)


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
