"""The GAN step: what one discriminator and one generator update do, for all seeds at once.

A step of a trial without any trick, for `n_critic` updates of the discriminator D to one of the generator G:

    for _ in range(n_critic):
        z, x = latents(batch), real_samples(batch)         # a fresh minibatch of every seed
        f, r = D(G(z)), D(x)                               # logits [S, B]; no gradient goes to G
        loss = loss_d(r, f)                                # [S]
        D.gradient = grad(loss.sum(), D.weights)           # seeds share nothing, so the sum gives each its own
        D.weights = D.optimizer(D.weights, D.gradient)
    z = latents(batch)
    f = D(G(z))                                            # the discriminator that has just moved
    G.gradient = grad(loss_g(f).sum(), G.weights)
    G.weights = G.optimizer(G.weights, G.gradient)

`gan_step` is this loop. A `PackedStep` has its moves: draw a minibatch, take a loss, take its gradient, move a player;
tricks change one of them, and an update rule (a trick with the hook `rule`) composes them differently. Compiled steps
(`training/compiled.py`) trace the losses and replace `discriminator_update` and `generator_update`: a change of these
two is made there, too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ganbench.core.protocols import HARD, Batch, Losses, Params, Player, PlayerName, PlayerUpdate
from ganbench.diagnostics import Step
from ganbench.training.noise import PackedNoise
from ganbench.training.setup import PackedPlayer, PackedView, TrialSetup


def gan_step(
    setup: TrialSetup,
    d: PackedPlayer,
    g: PackedPlayer,
    noise: PackedNoise,
    step: int,
    previous: Step | None = None,
    keep_before: bool = False,
    moves: Callable[..., PackedStep] | None = None,
) -> Step:
    """Do step number `step` (from 1): `n_critic` discriminator updates and a generator update.

    With `n_generator` > 1 the discriminator moves before every `n_generator`-th generator update only, and its update
    is the `previous` step's until then. A trick with the hook `rule` moves both players from the same weights, so it
    has no `update: alternating`; where one player moves alone it does so by the trick's `lone_update`. `moves`
    makes the step in place of `PackedStep`.

    Returns:
        The last update of each player, for reading. `keep_before` keeps the weights before the update as well.
    """
    trial = setup.trial
    context = (moves or PackedStep)(setup, d, g, noise, (step - 1) / trial.steps, keep_before)
    for trick in setup.hooks["before_step"]:
        trick.before_step(context)
    if previous is not None and (step - 1) % trial.n_generator != 0:
        done = Step(previous.d, context.lone_update("G"))
    else:
        for _ in range(trial.n_critic - 1):
            context.lone_update("D")
        if setup.rule is not None:
            done = Step(*setup.rule.rule(context))
        elif trial.update == "simultaneous":
            done = Step(*context.apply_both(context.discriminator_update(), context.generator_update()))
        else:
            update_d = context.apply_update(d, context.discriminator_update())
            done = Step(update_d, context.apply_update(g, context.generator_update()))
    for trick in setup.hooks["after_step"]:
        trick.after_step(context, step)
    return done


@dataclass(frozen=True)
class PackedStep:
    """One step of all seeds under way (`ganbench.core.protocols.StepContext`).

    Attributes:
        d, g: the players. noise: this trial's streams. progress: share of the steps done, in [0, 1).
        keep_before: whether updates keep the weights before them.
        double_backward: whether penalties carry a gradient to the generator, for the game's mixed derivatives.
    """

    setup: TrialSetup
    d: PackedPlayer
    g: PackedPlayer
    noise: PackedNoise
    progress: float
    keep_before: bool = False
    double_backward: bool = False

    def differentiable_twice(self) -> PackedStep:
        """Return the context for gradients that are differentiated again: penalties at fakes depend on both players."""
        return replace(self, double_backward=True)

    def minibatch(self, with_real: bool = True) -> Batch:
        """Return a fresh minibatch."""
        setup, batch = self.setup, self.setup.trial.batch

        def draw(generator: torch.Generator, n: int) -> Tensor:
            return setup.data.sample_indices(generator, n * batch).unflatten(0, (n, batch))

        z = setup.latents(self.noise.normal("latent", batch, setup.latent))
        if not with_real:
            return Batch(z, None)
        real = setup.data.gather(self.noise.draw("data", batch * setup.indices_per_sample, draw))
        if setup.dequantization_width:
            real = real + setup.dequantization_width * (self.noise.uniform("dequantise", *real.shape[1:]) - 0.5)
        return Batch(z, real)

    def generated(self, g: Params, batch: Batch) -> Batch:
        """Return the minibatch with its fakes, generated once for all losses that are taken on it at these weights."""
        return batch._replace(fake=self._fake(g, batch))

    def _fake(self, g: Params, batch: Batch) -> Tensor:
        if batch.fake is not None:
            return batch.fake
        return self.setup.generate(g, self.g.buffers, batch.z, training=True, noise=self.noise)

    def discriminator_view(self, d: Params, batch: Batch, fake: Tensor, player: PlayerName = "D") -> PackedView:
        """Return the discriminator at these weights, shown a minibatch, with its answers; for a player's loss."""
        view = PackedView(
            self.setup,
            d,
            self.d.buffers,
            self.noise,
            self.progress,
            player,
            self.d.memory,
            grad_through_inputs=self.double_backward,
        )
        view.show(batch.z, fake, batch.real)
        view.answer(with_real=batch.real is not None)
        return view

    def discriminator_loss(self, d: Params, g: Params, batch: Batch, through_generator: bool = False) -> Losses:
        """Return the discriminator's loss at these weights; its fakes carry a gradient only if asked to."""
        setup = self.setup
        with torch.set_grad_enabled(through_generator):
            fake = self._fake(g, batch)
        view = self.discriminator_view(d, batch, fake if through_generator else fake.detach())
        targets = HARD
        for trick in setup.hooks["targets"]:
            targets = trick.targets(targets, view.real_logits.shape, self.noise)
        if setup.stateful_discriminator is not None:
            loss = setup.stateful_discriminator(self.d.memory, view.real_logits, view.fake_logits)
        else:
            loss = setup.loss.discriminator(view.real_logits, view.fake_logits, targets)
        for trick in setup.hooks["penalty"]:
            loss = loss + trick.penalty(view)
        return Losses(loss, view.real_logits, view.fake_logits)

    def generator_loss(self, d: Params, g: Params, batch: Batch, *, whole_game: bool = False) -> Losses:
        """Return the generator's loss at these weights; with `whole_game` of a zero-sum game −L_D, whole."""
        setup = self.setup
        view = self.discriminator_view(d, batch, self._fake(g, batch), "G")
        real_logits = None if batch.real is None else view.real_logits
        if setup.hooks["generator_loss"]:
            loss = setup.hooks["generator_loss"][0].generator_loss(view)
        else:
            fake, real = view.fake_logits, real_logits
            for trick in setup.hooks["generator_logits"]:
                fake, real = trick.generator_logits(fake, real, view)
            if whole_game and setup.loss.zero_sum and real is not None:
                loss = -setup.loss.discriminator(real, fake)
            else:
                loss = setup.loss.generator(fake, real)
        for trick in setup.hooks["generator_penalty"]:
            loss = loss + trick.generator_penalty(view)
        return Losses(loss, real_logits, view.fake_logits)

    def discriminator_update(self) -> PlayerUpdate:
        """Return the discriminator's loss on a fresh minibatch and its gradient."""
        losses = self.discriminator_loss(self.d.params, self.g.params, self.minibatch())
        return self.make_update(self.d, losses, self.d.gradients(losses.loss))

    def generator_update(self) -> PlayerUpdate:
        """Return the generator's loss on a fresh minibatch and its gradient."""
        batch = self.minibatch(self.setup.generator_needs_real)
        losses = self.generator_loss(self.d.frozen, self.g.params, batch)
        return self.make_update(self.g, losses, self.g.gradients(losses.loss))

    def player(self, name: PlayerName) -> PackedPlayer:
        """Return the player of that name."""
        return self.d if name == "D" else self.g

    def update_of(self, name: PlayerName) -> PlayerUpdate:
        """Return a player's plain update."""
        return self.discriminator_update() if name == "D" else self.generator_update()

    def lone_update(self, name: PlayerName) -> PlayerUpdate:
        """Move one player alone, by the trial's update rule if it has one."""
        if self.setup.rule is not None:
            return self.setup.rule.lone_update(self, name)
        return self.apply_update(self.player(name), self.update_of(name))

    def make_update(self, player: Player, losses: Losses, gradients: Sequence[Tensor]) -> PlayerUpdate:
        """Return an update for reading and for `apply_update`, from a loss and its gradient by parameter."""
        return PlayerUpdate(
            loss=losses.loss.detach(),
            real_logits=None if losses.real_logits is None else losses.real_logits.detach(),
            fake_logits=losses.fake_logits.detach(),
            gradient=player.flatten(gradients).detach(),
            views=player.views,
            after=player.flat,
            before=None,
        )

    def apply_update(self, player: Player, update: PlayerUpdate) -> PlayerUpdate:
        """Move a player's weights by its optimiser; return the update, with the weights before it if asked for."""
        setup = self.setup
        if self.keep_before:
            update = replace(update, before=player.flat.clone())
        gradient = update.gradient
        for trick in setup.hooks["gradients"]:
            gradient = trick.gradients(player, gradient)
        setup.components.set_gradient(player.optimizer, gradient)
        self.set_rate(player)
        player.optimizer.step()
        self.bound(player)
        return update

    def apply_both(self, of_d: PlayerUpdate, of_g: PlayerUpdate) -> tuple[PlayerUpdate, PlayerUpdate]:
        """Move both players, the discriminator first, as `apply_update` does."""
        return self.apply_update(self.d, of_d), self.apply_update(self.g, of_g)

    def set_rate(self, player: Player) -> None:
        """Give a player's optimiser the rate of this step."""
        self.setup.components.set_rates(player.optimizer, player.name, self.progress)

    def bound(self, player: Player) -> None:
        """Apply what tricks do to a player's weights after they moved."""
        for trick in self.setup.hooks["after"]:
            trick.after(player.name, player.flat)
