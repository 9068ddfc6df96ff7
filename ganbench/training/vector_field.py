"""The game of a trial as a vector field: what both players would descend from any weights, on fixed minibatches.

Everything is copied to float64 each time that something is asked for: weights, buffers, memories and random numbers of
training stay as they are, and the same weights always give the same field.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ganbench.core.protocols import HARD, Losses, Params, PlayerName, PlayerUpdate
from ganbench.training.noise import Draw, PackedNoise
from ganbench.training.probe import ProbeSamples
from ganbench.training.setup import PackedPlayer
from ganbench.training.step import PackedStep


class ReplayableNoise(PackedNoise):
    """Streams of its own, in the precision that it is asked for, which `rewind` starts again."""

    def __init__(self, seeds: Sequence[int], device: torch.device, dtype: torch.dtype) -> None:
        super().__init__(seeds, device)
        self.dtype = dtype
        self._kept: dict[str, list[Tensor]] = {}
        self._used: dict[str, int] = {}

    def rewind(self) -> None:
        """Have each stream start anew."""
        self._used = {}

    def draw(self, name: str, numbers: int, draw: Draw) -> Tensor:
        """Return the next `[S, …]` of a stream, which is none of training's."""
        kept, used = self._kept.setdefault(name, []), self._used.get(name, 0)
        if used == len(kept):
            drawn = super().draw(f"field {name}", numbers, draw)
            kept.append(drawn.to(self.dtype) if drawn.is_floating_point() else drawn.clone())
        self._used[name] = used + 1
        # A trick may write into what it drew.
        return kept[used].clone()


class GameVectorField:
    """The game of a trial as diagnostics see it (`ganbench.diagnostics.VectorField`).

    Args:
        samples: the fixed samples that every snapshot of the trial shares.
        d, g: the players as they are; they are copied when something is asked for.
        start: their weights when training began, `[S, P]` each.
        progress: share of the steps done.
    """

    def __init__(
        self, samples: ProbeSamples, d: PackedPlayer, g: PackedPlayer, start: tuple[Tensor, Tensor], progress: float
    ) -> None:
        self._samples, self._setup, self._progress = samples, samples.setup, progress
        self._d, self._g, self._start = d, g, start
        self._noise = ReplayableNoise(samples.seeds, samples.setup.device, torch.float64)
        self.seeds = len(samples.seeds)

    @property
    def undefined(self) -> str | None:
        """Say why players do not descend a field of their losses, or None."""
        rule = self._setup.rule
        return None if rule is None else f"{rule.name} has an update rule of its own"

    @property
    def weights(self) -> Tensor:
        """Return both players' weights now, `[S, P]` in float64, the discriminator's first."""
        return self._join(self._d.flat, self._g.flat)

    @property
    def start(self) -> Tensor:
        """Return both players' weights when training began, `[S, P]`."""
        return self._join(*self._start)

    @property
    def n_discriminator(self) -> int:
        """Return how many of the weights are the discriminator's."""
        return sum(self._d.layout.sizes)

    def velocity(self, weights: Tensor, minibatch: int = 0) -> Tensor:
        """Return v, `[S, P]`, at weights `[S, P]`, on one of the fixed minibatches."""
        velocity, _ = self._descent(weights, minibatch, smooth=False)
        return velocity.detach()

    def vjp(self, seed: int | None = None) -> Callable[[Tensor], Tensor]:
        """Return the product u → Jᵀu with the Jacobian at the weights now, of all seeds or of one."""
        field = self if seed is None else self._of_seed(seed)
        velocity, leaves = field._descent(field.weights, 0, smooth=True)

        def product(u: Tensor) -> Tensor:
            if velocity.grad_fn is None:
                return torch.zeros_like(u)
            products = torch.autograd.grad(
                velocity, leaves, u, retain_graph=True, allow_unused=True, materialize_grads=True
            )
            return torch.cat(products, dim=-1)

        return product

    def duality_gap(self, steps: int) -> tuple[Tensor, Tensor] | None:
        """Return M after D's best answer and after G's, `[S]` each."""
        if self._setup.stateful_discriminator is not None:
            return None
        return self._value(*self._answered("D", steps)), self._value(*self._answered("G", steps))

    def _of_seed(self, seed: int) -> GameVectorField:
        """Return the field of the seed at one place of the seed axis."""
        one = slice(seed, seed + 1)
        d, g = (
            dataclasses.replace(
                player,
                flat=player.flat[one],
                buffers={n: t[one] for n, t in player.buffers.items()},
                memory={n: t[one] for n, t in player.memory.items()},
            )
            for player in (self._d, self._g)
        )
        start = self._start[0][one], self._start[1][one]
        return GameVectorField(self._samples.of_seed(seed), d, g, start, self._progress)

    def _join(self, d: Tensor, g: Tensor) -> Tensor:
        return torch.cat([d[:, : self.n_discriminator], g[:, : sum(self._g.layout.sizes)]], dim=1).double()

    def _views(self, player: PackedPlayer, flat: Tensor) -> Params:
        pieces = flat.split(player.layout.sizes, dim=1)
        shapes = player.layout.shapes.items()
        return {name: piece.unflatten(1, shape) for piece, (name, shape) in zip(pieces, shapes, strict=True)}

    def _descent(self, weights: Tensor, minibatch: int, smooth: bool) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return the velocity and the leaves it was taken at; with `smooth` it can be differentiated again."""
        leaves = (
            weights[:, : self.n_discriminator].clone().requires_grad_(),
            weights[:, self.n_discriminator :].clone().requires_grad_(),
        )
        context = self._context(self._noise, smooth)
        for _ in range(minibatch):
            context.minibatch()
        batch = context.minibatch()
        batch = batch._replace(real=None if batch.real is None else batch.real.double())
        with torch.enable_grad():
            d, g = self._views(self._d, leaves[0]), self._views(self._g, leaves[1])
            loss_d = context.discriminator_loss(d, g, batch, through_generator=smooth).loss.sum()
            if not self._setup.generator_needs_real:
                batch = batch._replace(real=None)
            loss_g = context.generator_loss(d, g, batch).loss.sum()
            grads = [
                torch.autograd.grad(loss, leaf, create_graph=smooth, retain_graph=True)[0]
                for loss, leaf in ((loss_d, leaves[0]), (loss_g, leaves[1]))
            ]
            return -torch.cat(grads, dim=1), leaves

    def _context(self, noise: ReplayableNoise, smooth: bool) -> PackedStep:
        """Return the moves on copies of the players in the precision of the noise."""
        noise.rewind()
        d, g = (self._copy(player, noise.dtype) for player in (self._d, self._g))
        return PackedStep(self._setup, d, g, noise, self._progress, double_backward=smooth)

    def _copy(self, player: PackedPlayer, dtype: torch.dtype) -> PackedPlayer:
        def copied(tensors: Params) -> Params:
            return {n: t.to(dtype, copy=True) if t.is_floating_point() else t.clone() for n, t in tensors.items()}

        flat = player.flat.detach().to(dtype, copy=True)
        params = {name: view.requires_grad_() for name, view in player.layout.views(flat).items()}
        return dataclasses.replace(
            player,
            flat=flat,
            params=params,
            buffers=copied(player.buffers),
            memory=copied(player.memory),
            optimizer=self._setup.components.optimizer(flat, player.name),
        )

    def _answered(self, name: PlayerName, steps: int) -> tuple[PackedPlayer, PackedPlayer]:
        """Return both players after one of them made its updates against the other."""
        noise = ReplayableNoise(self._samples.seeds, self._setup.device, self._d.flat.dtype)
        context = self._context(noise, smooth=False)
        for _ in range(steps):
            with torch.enable_grad():
                update = context.discriminator_update() if name == "D" else self._against(context)
            context.apply_update(context.d if name == "D" else context.g, update)
        return context.d, context.g

    def _against(self, context: PackedStep) -> PlayerUpdate:
        """Return the generator's update on M."""
        batch, g = context.minibatch(), context.g
        fake = self._setup.generate(g.params, g.buffers, batch.z, training=True, noise=context.noise)
        view = context.discriminator_view({n: t.detach() for n, t in context.d.params.items()}, batch, fake, "G")
        loss = -self._setup.loss.discriminator(view.real_logits, view.fake_logits, HARD)
        gradients = torch.autograd.grad(loss.sum(), list(g.params.values()))
        return context.make_update(g, Losses(loss, view.real_logits, view.fake_logits), gradients)

    def _value(self, d: PackedPlayer, g: PackedPlayer) -> Tensor:
        """Return M `[S]`."""
        probe = self._samples.snapshot(d, g, self._progress)
        real, fake = probe.discriminator(probe.heldout), probe.discriminator(probe.fake)
        return -self._setup.loss.discriminator(real, fake, HARD)
