"""THE GAN step: what one discriminator and one generator update do, for all seeds at once."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import torch
from torch import Tensor

from ganbench.core.protocols import HARD
from ganbench.diagnostics import Pass, Step
from ganbench.training.game import Critic, Game, Player
from ganbench.training.noise import Noise


def gan_step(
    game: Game, d: Player, g: Player, noise: Noise, step: int, previous: Step | None = None, keep_before: bool = False
) -> Step:
    """Do step number `step` (from 1): `n_critic` discriminator updates and a generator update.

    With `n_generator` > 1 the discriminator moves before every `n_generator`-th generator update only, and its pass is
    the `previous` step's until then. In a simultaneous update both gradients are taken at the same weights.

    Returns:
        The last pass of each player, for reading. `keep_before` keeps the weights before the update as well.
    """
    trial = game.trial
    progress = (step - 1) / trial.steps
    simultaneous = trial.update == "simultaneous"
    passed_d = previous.d if previous is not None and (step - 1) % trial.n_generator != 0 else None
    move_d = passed_d is None
    if move_d:
        for _ in range(trial.n_critic - simultaneous):
            passed_d = update(game, d, discriminator_pass(game, d, g, noise, progress), progress, keep_before)
        if simultaneous:
            passed_d = discriminator_pass(game, d, g, noise, progress)
    passed_g = generator_pass(game, d, g, noise, progress)
    if simultaneous and move_d:
        passed_d = update(game, d, cast(Pass, passed_d), progress, keep_before)
    return Step(cast(Pass, passed_d), update(game, g, passed_g, progress, keep_before))


def latents(game: Game, noise: Noise) -> Tensor:
    """Return the generator's input for one minibatch, `[S, B, Z]`."""
    return noise.normal("latent", game.trial.batch, game.latent)


def reals(game: Game, noise: Noise) -> Tensor:
    """Return a minibatch of real samples, `[S, B, *shape]`."""
    batch = game.trial.batch

    def draw(generator: torch.Generator, n: int) -> Tensor:
        return game.data.draw(generator, n * batch).unflatten(0, (n, batch))

    return game.data.take(noise.draw("data", batch * game.numbers_a_sample, draw))


def discriminator_pass(game: Game, d: Player, g: Player, noise: Noise, progress: float) -> Pass:
    """Return the discriminator's loss on a fresh minibatch and its gradient."""
    critic = Critic(game, d.params, d.buffers, noise, progress)
    with torch.no_grad():
        fake = game.generate(g.params, g.buffers, latents(game, noise), training=True, noise=noise)
        critic.real, critic.fake = critic.see(reals(game, noise), "real"), critic.see(fake, "fake")
    critic.real_logits, critic.fake_logits = critic(critic.real), critic(critic.fake)
    targets = HARD
    for trick in game.hooks["targets"]:
        targets = trick.targets(targets, critic.real_logits.shape, noise)
    loss = game.loss.discriminator(critic.real_logits, critic.fake_logits, targets)
    for trick in game.hooks["penalty"]:
        loss = loss + trick.penalty(critic)
    return _pass(d, loss, critic.real_logits.detach(), critic.fake_logits)


def generator_pass(game: Game, d: Player, g: Player, noise: Noise, progress: float) -> Pass:
    """Return the generator's loss on fresh latents and its gradient."""
    frozen = {name: tensor.detach() for name, tensor in d.params.items()}
    critic = Critic(game, frozen, d.buffers, noise, progress)
    fake = game.generate(g.params, g.buffers, latents(game, noise), training=True, noise=noise)
    critic.fake = critic.see(fake, "fake")
    real_logits = None
    if game.loss.needs_real:
        with torch.no_grad():
            critic.real = critic.see(reals(game, noise), "real")
            real_logits = critic.real_logits = critic(critic.real)
    critic.fake_logits = critic(critic.fake)
    loss = game.loss.generator(critic.fake_logits, real_logits)
    for trick in game.hooks["generator_penalty"]:
        loss = loss + trick.generator_penalty(critic)
    return _pass(g, loss, real_logits, critic.fake_logits)


def _pass(player: Player, loss: Tensor, real_logits: Tensor | None, fake_logits: Tensor) -> Pass:
    """Return a pass with the gradient of the loss; seeds share nothing, so the sum gives each its own."""
    gradient = player.layout.flatten(list(torch.autograd.grad(loss.sum(), list(player.params.values()))))
    return Pass(
        loss=loss.detach(),
        real_logits=real_logits,
        fake_logits=fake_logits.detach(),
        gradient=gradient,
        views=player.layout.views,
        after=player.flat,
        before=None,
    )


def update(game: Game, player: Player, passed: Pass, progress: float, keep_before: bool) -> Pass:
    """Move a player's weights along a pass's gradient; return the pass with the weights before, if asked for."""
    if keep_before:
        passed = replace(passed, before=player.flat.clone())
    gradient = passed.gradient
    for trick in game.hooks["gradients"]:
        gradient = trick.gradients(player.name, gradient)
    player.flat.grad = gradient
    if game.optimizer.lr_final != 1.0:
        player.optimizer.param_groups[0]["lr"] = game.optimizer.rate(player.name, progress)
    player.optimizer.step()
    for trick in game.hooks["after"]:
        trick.after(player.name, player.flat)
    return passed
