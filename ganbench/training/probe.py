"""The networks of a trial as diagnostics may look at them: fixed samples, no state that training knows of."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor

from ganbench.core.streams import stream
from ganbench.training.noise import Noise
from ganbench.training.setup import DiscriminatorView, Player, TrialSetup

PROBE_SAMPLES = 256


class ProbeSamples:
    """The samples and latents that every look of a trial shares: N of each, whole minibatches, about 256.

    They have streams of their own, so looking changes nothing in training.
    """

    def __init__(self, setup: TrialSetup, seeds: Sequence[int]) -> None:
        self.setup, self.seeds = setup, tuple(seeds)
        # Whole minibatches: what couples the samples of a batch divides it.
        n = setup.trial.batch * max(1, PROBE_SAMPLES // setup.trial.batch)
        self.real = self._all_seeds(setup.data.gather(setup.data.sample_indices(self._generator("real"), n)))
        held = setup.data.heldout(self._generator("heldout"), n)
        # Of a small held-out set some come twice.
        self.heldout = self._all_seeds(held[torch.arange(n, device=held.device) % len(held)])
        z = torch.randn(n, setup.latent, generator=self._generator("latent"), device=setup.device)
        self.z = setup.latents(self._all_seeds(z))

    def _generator(self, name: str) -> torch.Generator:
        return torch.Generator(self.setup.device).manual_seed(stream(0, f"probe {name}"))

    def _all_seeds(self, x: Tensor) -> Tensor:
        return x.expand(len(self.seeds), *x.shape)

    def snapshot(self, d: Player, g: Player, progress: float) -> ProbeSnapshot:
        """Return the networks at these players' weights; nothing is computed until it is asked for."""
        return ProbeSnapshot(self, d, g, progress)


class ProbeSnapshot:
    """Both players at a moment (`ganbench.diagnostics.Probe`)."""

    def __init__(self, samples: ProbeSamples, d: Player, g: Player, progress: float) -> None:
        self._samples, self._g = samples, g
        params = {name: tensor.detach() for name, tensor in d.params.items()}
        # Streams of its own, the same at every look; as in the generator's step, replayed fakes do not come in.
        noise = Noise(samples.seeds, samples.setup.device)
        self._critic = DiscriminatorView(samples.setup, params, d.buffers, noise, progress, training=False)
        self._critic.player, self._critic.memory = "G", {}

    def discriminator(self, x: Tensor) -> Tensor:
        """Return the logits `[S, N]` of what the discriminator sees."""
        return self._critic(x)

    @cached_property
    def real(self) -> Tensor:
        """Training samples as the discriminator sees them, `[S, N, *sample]`."""
        return self._critic.preprocess(self._samples.real, "real")

    @cached_property
    def heldout(self) -> Tensor:
        """Held-out samples as the discriminator sees them, `[S, N, *sample]`."""
        return self._critic.preprocess(self._samples.heldout, "real")

    @cached_property
    def fake(self) -> Tensor:
        """Generated samples as the discriminator sees them, `[S, N, *sample]`."""
        setup, g = self._samples.setup, self._g
        with torch.no_grad():
            fake = setup.generate(g.params, g.buffers, self._samples.z, training=False, noise=None)
            return self._critic.preprocess(fake, "fake")
