"""Gaussians on a circle."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import Annotated

from annotated_types import Gt, Interval

from ganbench.core.lazy import torch
from ganbench.datasets import Dataset
from ganbench.datasets._mixture import Mixture, plane_mixture, plane_preparation


@dataclass(frozen=True)
class Ring(Dataset):
    """A mixture of `modes` Gaussians of standard deviation `sigma`, evenly on a circle of that `radius`.

    The defaults are PacGAN's; WGAN-GP's is `ring: {radius: 2, sigma: 0.02}` divided by 1.414, and `scaled: true`
    divides by the data's own standard deviation.
    """

    name = "ring"
    aliases = ("8gaussians", "mixture_of_gaussians")
    source = "Metz et al. 2016, arXiv:1611.02163, section 3.1; Lin et al. 2018, arXiv:1712.04086, section 4.1"

    count: Annotated[int, Interval(ge=1, le=10_000)] = 8
    radius: Annotated[float, Gt(0)] = 1.0
    sigma: Annotated[float, Gt(0)] = 0.01
    scaled: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Return (2,): points of a plane."""
        return (2,)

    @property
    def modes(self) -> int:
        """Return the number of Gaussians."""
        return self.count

    @property
    def preparation(self) -> str:
        """Return whether the points are scaled."""
        return plane_preparation(self.scaled)

    def load(self, device: torch.device) -> Mixture:
        """Return the mixture on a device."""
        angles = torch.arange(self.count, dtype=torch.float64) * (2 * pi / self.count)
        centres = self.radius * torch.stack((angles.cos(), angles.sin()), dim=1)
        return plane_mixture(centres, self.sigma, self.scaled, device)
