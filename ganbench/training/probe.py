"""The networks of a trial as diagnostics may look at them: fixed samples, no state that training knows of."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor

from ganbench.core.streams import stream
from ganbench.training.noise import Noise
from ganbench.training.setup import Critic, Game, Player

PROBE_SAMPLES = 256


class ProbeSamples:
    """The samples and latents that every look of a trial shares: N of each, whole minibatches, about 256.

    They have streams of their own, so looking changes nothing in training.
    """

    def __init__(self, game: Game, seeds: Sequence[int]) -> None:
        self.game, self.seeds = game, tuple(seeds)
        # Whole minibatches: what couples the samples of a batch divides it.
        n = game.trial.batch * max(1, PROBE_SAMPLES // game.trial.batch)
        self.real = self._all_seeds(game.data.take(game.data.draw(self._generator("real"), n)))
        held = game.data.heldout(self._generator("heldout"), n)
        # Of a small held-out set some come twice.
        self.heldout = self._all_seeds(held[torch.arange(n, device=held.device) % len(held)])
        z = torch.randn(n, game.latent, generator=self._generator("latent"), device=game.device)
        self.z = game.latents(self._all_seeds(z))

    def _generator(self, name: str) -> torch.Generator:
        return torch.Generator(self.game.device).manual_seed(stream(0, f"probe {name}"))

    def _all_seeds(self, x: Tensor) -> Tensor:
        return x.expand(len(self.seeds), *x.shape)

    def look(self, d: Player, g: Player, progress: float) -> Look:
        """Return the networks at these players' weights; nothing is computed until it is asked for."""
        return Look(self, d, g, progress)


class Look:
    """Both players at a moment (`ganbench.diagnostics.Probe`)."""

    def __init__(self, samples: ProbeSamples, d: Player, g: Player, progress: float) -> None:
        self._samples, self._g = samples, g
        params = {name: tensor.detach() for name, tensor in d.params.items()}
        # Streams of its own, the same at every look; as in the generator's step, replayed fakes do not come in.
        noise = Noise(samples.seeds, samples.game.device)
        self._critic = Critic(samples.game, params, d.buffers, noise, progress, training=False)
        self._critic.player, self._critic.memory = "G", {}

    def critic(self, x: Tensor) -> Tensor:
        """Return the logits `[S, N]` of what the discriminator sees."""
        return self._critic(x)

    @cached_property
    def real(self) -> Tensor:
        """Training samples as the discriminator sees them, `[S, N, *sample]`."""
        return self._critic.see(self._samples.real, "real")

    @cached_property
    def heldout(self) -> Tensor:
        """Held-out samples as the discriminator sees them, `[S, N, *sample]`."""
        return self._critic.see(self._samples.heldout, "real")

    @cached_property
    def fake(self) -> Tensor:
        """Generated samples as the discriminator sees them, `[S, N, *sample]`."""
        game, g = self._samples.game, self._g
        with torch.no_grad():
            fake = game.generate(g.params, g.buffers, self._samples.z, training=False, noise=None)
            return self._critic.see(fake, "fake")
