"""Mixtures of equal round Gaussians: endless data whose modes are known."""

from __future__ import annotations

from math import exp, log, pi, prod

from ganbench.core.lazy import Tensor, torch
from ganbench.datasets._in_memory import InMemory

# The share of a plane Gaussian beyond 3σ of its mean, 0.0111; other dimensions take the radius that leaves out
# the same share, because a flat 3σ would accept hardly anything in 64 dimensions.
BEYOND = exp(-4.5)
# Distances at a time, so that 80,000 points against 10,000 modes stay small.
CHUNK = 1 << 22


class Mixture:
    """Equal Gaussians N(centre, σ²I) with equal weights.

    Args:
        centres: `[K, d]`.
        sigma: standard deviation of each.
        device: of the samples.
    """

    def __init__(self, centres: Tensor, sigma: float, device: torch.device) -> None:
        from scipy.special import chdtri

        self.centres, self.sigma = centres.to(device), sigma
        self.weights = torch.full((len(centres),), 1.0 / len(centres), dtype=torch.float64, device=device)
        self.radius = sigma * float(chdtri(centres.shape[1], BEYOND)) ** 0.5

    def sample_indices(self, generator: torch.Generator, n: int) -> Tensor:
        """Return `n` points `[n, d]`."""
        device = self.centres.device
        modes = torch.randint(len(self.centres), (n,), generator=generator, device=device)
        noise = torch.randn(n, self.centres.shape[1], generator=generator, device=device)
        return self.centres[modes] + self.sigma * noise

    def gather(self, indices: Tensor) -> Tensor:
        """Return the points themselves."""
        return indices

    def heldout(self, generator: torch.Generator, n: int) -> Tensor:
        """Return `n` fresh points `[n, d]`; endless data never repeats itself."""
        return self.sample_indices(generator, n)

    def assign(self, samples: Tensor, probabilities: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return each point's nearest mode and whether it lies within that mode's high-quality radius."""
        lead = samples.shape[:-1]
        rows = samples.reshape(prod(lead), -1).split(max(1, CHUNK // len(self.centres)))
        # Differences, not matrix products: those lose the digits that decide on a small radius far from the origin.
        exact = [torch.cdist(x, self.centres, compute_mode="donot_use_mm_for_euclid_dist").min(dim=-1) for x in rows]
        mode = torch.cat([nearest.indices for nearest in exact]).reshape(lead)
        return mode, (torch.cat([nearest.values for nearest in exact]) <= self.radius).reshape(lead)

    def log_density(self, samples: Tensor) -> Tensor:
        """Return log p(x) of samples `[..., n, d]`, `[..., n]` in float64 nats."""
        x, centres, d = samples.double(), self.centres.double(), self.centres.shape[1]
        total = torch.full_like(x[..., 0], -torch.inf)
        for centre, weight in zip(centres, self.weights, strict=True):  # no [..., n, K] tensor for 10,000 modes
            total = torch.logaddexp(total, weight.log() - (x - centre).square().sum(-1) / (2 * self.sigma**2))
        return total - d / 2 * log(2 * pi * self.sigma**2)


class Points(InMemory):
    """A finite training set that is drawn once from a mixture; held-out samples are further points of the mixture.

    Args:
        mixture: the distribution of the points.
        count: number of training points.
        generator: draws them.
    """

    def __init__(self, mixture: Mixture, count: int, generator: torch.Generator) -> None:
        self.train, self.weights = mixture.sample_indices(generator, count), mixture.weights
        self.heldout, self.assign, self.log_density = mixture.heldout, mixture.assign, mixture.log_density


def plane_mixture(centres: Tensor, sigma: float, scaled: bool, device: torch.device) -> Mixture:
    """Return a mixture with centres `[K, 2]` in float64; `scaled` divides it by its standard deviation per axis.

    That is √(σ² + mean over the axes of the centres' variance).
    """
    scale = float((sigma**2 + centres.var(dim=0, correction=0).mean()).sqrt()) if scaled else 1.0
    return Mixture((centres / scale).float(), sigma / scale, device)


def plane_preparation(scaled: bool) -> str:
    """Return in words what `plane_mixture` does to the points."""
    return "divided by the data's standard deviation" if scaled else "none"
