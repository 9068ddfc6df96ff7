"""THE GAN step: what one discriminator and one generator update do, for all seeds at once.

A `Play` is one step under way. By default it alternates; an update rule (a trick with the hook `rule`) composes the
same few moves differently: draw a minibatch, take a loss, take its gradient, move a player.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from ganbench.core.protocols import HARD
from ganbench.diagnostics import Pass, Step
from ganbench.networks import Params
from ganbench.training.noise import Noise
from ganbench.training.setup import Critic, Game, Player


class Losses(NamedTuple):
    """One player's loss `[S]` with the logits `[S, B]` it was taken from."""

    loss: Tensor
    real_logits: Tensor | None
    fake_logits: Tensor


class Batch(NamedTuple):
    """A minibatch: latents `[S, B, Z]` and real samples `[S, B, *shape]`; None where a loss has no use for them.

    `fake` holds the samples of `z` where several losses share them (`Play.generated`).
    """

    z: Tensor
    real: Tensor | None
    fake: Tensor | None = None


def gan_step(
    game: Game, d: Player, g: Player, noise: Noise, step: int, previous: Step | None = None, keep_before: bool = False
) -> Step:
    """Do step number `step` (from 1): `n_critic` discriminator updates and a generator update.

    With `n_generator` > 1 the discriminator moves before every `n_generator`-th generator update only, and its pass is
    the `previous` step's until then.

    Returns:
        The last pass of each player, for reading. `keep_before` keeps the weights before the update as well.
    """
    trial = game.trial
    play = Play(game, d, g, noise, (step - 1) / trial.steps, keep_before)
    for trick in game.hooks["before_step"]:
        trick.before_step(play)
    move_d = previous is None or (step - 1) % trial.n_generator == 0
    for _ in range(trial.n_critic - 1 if move_d else 0):
        play.update(d, play.discriminator_pass())
    if not move_d and previous is not None:
        done = Step(previous.d, play.update(g, play.generator_pass()))
    elif game.rule is not None:
        done = Step(*game.rule.rule(play))
    elif trial.update == "simultaneous":
        passed_d, passed_g = play.discriminator_pass(), play.generator_pass()
        done = Step(play.update(d, passed_d), play.update(g, passed_g))
    else:
        passed_d = play.update(d, play.discriminator_pass())
        done = Step(passed_d, play.update(g, play.generator_pass()))
    for trick in game.hooks["after_step"]:
        trick.after_step(play, step)
    return done


@dataclass(frozen=True)
class Play:
    """One step under way: the moves that update rules are made of.

    Attributes:
        d, g: the players. noise: this trial's streams. progress: share of the steps done, in [0, 1).
    """

    game: Game
    d: Player
    g: Player
    noise: Noise
    progress: float
    keep_before: bool

    def draw(self, with_real: bool = True) -> Batch:
        """Return a fresh minibatch."""
        game, batch = self.game, self.game.trial.batch

        def draw(generator: torch.Generator, n: int) -> Tensor:
            return game.data.draw(generator, n * batch).unflatten(0, (n, batch))

        z = game.latents(self.noise.normal("latent", batch, game.latent))
        if not with_real:
            return Batch(z, None)
        real = game.data.take(self.noise.draw("data", batch * game.numbers_a_sample, draw))
        if game.grain:
            real = real + game.grain * (self.noise.uniform("dequantise", *real.shape[1:]) - 0.5)
        return Batch(z, real)

    def generated(self, g: Params, batch: Batch) -> Batch:
        """Return the minibatch with its fakes, generated once for all losses that are taken on it at these weights."""
        return batch._replace(fake=self._fake(g, batch))

    def _fake(self, g: Params, batch: Batch) -> Tensor:
        if batch.fake is not None:
            return batch.fake
        return self.game.generate(g, self.g.buffers, batch.z, training=True, noise=self.noise)

    def critic(self, params: Params, batch: Batch, fake: Tensor, player: Literal["D", "G"] = "D") -> Critic:
        """Return the discriminator looking at a minibatch."""
        critic = Critic(self.game, params, self.d.buffers, self.noise, self.progress)
        critic.player, critic.memory, critic.step = player, self.d.memory, round(self.progress * self.game.trial.steps)
        critic.z, critic.fake = batch.z, critic.see(fake, "fake")
        if batch.real is not None:
            critic.real = critic.see(batch.real, "real")
        return critic

    def discriminator_loss(self, d: Params, g: Params, batch: Batch, through_generator: bool = False) -> Losses:
        """Return the discriminator's loss at these weights; its fakes carry a gradient only if asked to."""
        with torch.set_grad_enabled(through_generator):
            fake = self._fake(g, batch)
        critic = self.critic(d, batch, fake if through_generator else fake.detach())
        critic.real_logits, critic.fake_logits = critic(critic.real), critic(critic.fake)
        targets = HARD
        for trick in self.game.hooks["targets"]:
            targets = trick.targets(targets, critic.real_logits.shape, self.noise)
        if self.game.remembering is not None:
            loss = self.game.remembering(self.d.memory, critic.real_logits, critic.fake_logits)
        else:
            loss = self.game.loss.discriminator(critic.real_logits, critic.fake_logits, targets)
        for trick in self.game.hooks["penalty"]:
            loss = loss + trick.penalty(critic)
        return Losses(loss, critic.real_logits, critic.fake_logits)

    def generator_loss(self, d: Params, g: Params, batch: Batch) -> Losses:
        """Return the generator's loss at these weights."""
        critic = self.critic(d, batch, self._fake(g, batch), "G")
        real_logits = None
        if batch.real is not None:
            critic.real_hidden = critic.hidden(critic.real)
            real_logits = critic.real_logits = critic.logits(critic.real_hidden)
        critic.fake_hidden = critic.hidden(critic.fake)
        critic.fake_logits = critic.logits(critic.fake_hidden)
        if self.game.hooks["generator_loss"]:
            loss = self.game.hooks["generator_loss"][0].generator_loss(critic)
        else:
            fake_judged, real_judged = critic.fake_logits, real_logits
            for trick in self.game.hooks["generator_logits"]:
                fake_judged, real_judged = trick.generator_logits(fake_judged, real_judged, critic)
            loss = self.game.loss.generator(fake_judged, real_judged)
        for trick in self.game.hooks["generator_penalty"]:
            loss = loss + trick.generator_penalty(critic)
        return Losses(loss, real_logits, critic.fake_logits)

    def discriminator_pass(self) -> Pass:
        """Return the discriminator's loss on a fresh minibatch and its gradient."""
        losses = self.discriminator_loss(self.d.params, self.g.params, self.draw())
        return self.passed(self.d, losses, torch.autograd.grad(losses.loss.sum(), list(self.d.params.values())))

    def generator_pass(self) -> Pass:
        """Return the generator's loss on a fresh minibatch and its gradient."""
        frozen = {name: tensor.detach() for name, tensor in self.d.params.items()}
        losses = self.generator_loss(frozen, self.g.params, self.draw(self.game.generator_needs_real))
        return self.passed(self.g, losses, torch.autograd.grad(losses.loss.sum(), list(self.g.params.values())))

    def passed(self, player: Player, losses: Losses, gradients: Sequence[Tensor]) -> Pass:
        """Return a pass for reading and for `update`; seeds share nothing, so a summed loss gives each its own."""
        return Pass(
            loss=losses.loss.detach(),
            real_logits=None if losses.real_logits is None else losses.real_logits.detach(),
            fake_logits=losses.fake_logits.detach(),
            gradient=player.layout.flatten([g.detach() for g in gradients]),
            views=player.layout.views,
            after=player.flat,
            before=None,
        )

    def update(self, player: Player, passed: Pass) -> Pass:
        """Move a player's weights along a pass's gradient; return the pass, with the weights before if asked for."""
        game = self.game
        if self.keep_before:
            passed = replace(passed, before=player.flat.clone())
        gradient = passed.gradient
        for trick in game.hooks["gradients"]:
            gradient = trick.gradients(player, gradient)
        player.flat.grad = gradient
        if game.optimizer.lr_final != 1.0:
            player.optimizer.param_groups[0]["lr"] = game.optimizer.rate(player.name, self.progress)
        player.optimizer.step()
        for trick in game.hooks["after"]:
            trick.after(player.name, player.flat)
        return passed
