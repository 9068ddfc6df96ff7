"""The networks of a trial as diagnostics see them: at fixed samples, without any state that training shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ganbench.core.streams import stream
from ganbench.training.noise import PackedNoise
from ganbench.training.setup import PackedPlayer, PackedView, TrialSetup

PROBE_SAMPLES = 256


@dataclass(frozen=True)
class ProbeSamples:
    """The samples and latents that every snapshot of a trial shares: N of each, whole minibatches, about 256.

    Attributes:
        real, heldout: `[S, N, *shape]`, the same for every seed. z: the generator's inputs, `[S, N, Z]`.
    """

    setup: TrialSetup
    seeds: tuple[int, ...]
    real: Tensor
    heldout: Tensor
    z: Tensor

    @staticmethod
    def draw(setup: TrialSetup, seeds: Sequence[int]) -> ProbeSamples:
        """Return samples from streams of their own, so that looking changes nothing in training."""

        def generator(name: str) -> torch.Generator:
            return torch.Generator(setup.device).manual_seed(stream(0, f"probe {name}"))

        def all_seeds(x: Tensor) -> Tensor:
            return x.expand(len(seeds), *x.shape)

        # Whole minibatches: what couples the samples of a batch divides it.
        n = setup.trial.batch * max(1, PROBE_SAMPLES // setup.trial.batch)
        real = setup.data.gather(setup.data.sample_indices(generator("real"), n))
        heldout = setup.data.heldout(generator("heldout"), n)
        # Of a small held-out set some come twice.
        heldout = heldout[torch.arange(n, device=heldout.device) % len(heldout)]
        z = setup.latents(all_seeds(torch.randn(n, setup.latent, generator=generator("latent"), device=setup.device)))
        return ProbeSamples(setup, tuple(seeds), all_seeds(real), all_seeds(heldout), z)

    def of_seed(self, index: int) -> ProbeSamples:
        """Return the samples of the seed at one place of the seed axis."""
        one = slice(index, index + 1)
        return ProbeSamples(self.setup.of_lane(index), self.seeds[one], self.real[one], self.heldout[one], self.z[one])

    def snapshot(self, d: PackedPlayer, g: PackedPlayer, progress: float) -> ProbeSnapshot:
        """Return the networks at these players' weights; nothing is computed until it is asked for."""
        return ProbeSnapshot(self, d, g, progress)


class ProbeSnapshot:
    """Both players at a moment (`ganbench.diagnostics.Probe`)."""

    def __init__(self, samples: ProbeSamples, d: PackedPlayer, g: PackedPlayer, progress: float) -> None:
        self._samples, self._g = samples, g
        params = {name: tensor.detach() for name, tensor in d.params.items()}
        # Streams of its own, the same in every snapshot; as in the generator's step, replayed fakes do not come in.
        noise = PackedNoise(samples.seeds, samples.setup.device)
        self._view = PackedView(samples.setup, params, d.buffers, noise, progress, "G", {}, training=False)

    def discriminator(self, x: Tensor) -> Tensor:
        """Return the logits `[S, N]` of what the discriminator sees."""
        return self._view(x)

    @cached_property
    def real(self) -> Tensor:
        """Training samples as the discriminator sees them, `[S, N, *sample]`."""
        return self._view.preprocess(self._samples.real, "real")

    @cached_property
    def heldout(self) -> Tensor:
        """Held-out samples as the discriminator sees them, `[S, N, *sample]`."""
        return self._view.preprocess(self._samples.heldout, "real")

    @cached_property
    def fake(self) -> Tensor:
        """Generated samples as the discriminator sees them, `[S, N, *sample]`."""
        setup, g = self._samples.setup, self._g
        with torch.no_grad():
            fake = setup.generate(g.params, g.buffers, self._samples.z, training=False, noise=None)
            return self._view.preprocess(fake, "fake")
