"""Gaussians on a square grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt, Interval

from ganbench.core.lazy import torch
from ganbench.datasets import Dataset
from ganbench.datasets._mixture import Mixture, plane_mixture, plane_preparation


@dataclass(frozen=True)
class Grid(Dataset):
    """A mixture of `side`² Gaussians of standard deviation `sigma`, `spacing` apart, centred at 0.

    The defaults are the 25 modes {−4, −2, 0, 2, 4}². `scaled: true` divides by the data's own standard deviation, with
    which networks train far better.
    """

    name = "grid"
    aliases = ("25gaussians",)
    source = "Srivastava et al. 2017, arXiv:1705.07761, section 4.1; Lin et al. 2018, arXiv:1712.04086, section 4.1"

    side: Annotated[int, Interval(ge=1, le=100)] = 5
    spacing: Annotated[float, Gt(0)] = 2.0
    sigma: Annotated[float, Gt(0)] = 0.05
    scaled: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Return (2,): points of a plane."""
        return (2,)

    @property
    def modes(self) -> int:
        """Return the number of Gaussians."""
        return self.side**2

    @property
    def preparation(self) -> str:
        """Return whether the points are scaled."""
        return plane_preparation(self.scaled)

    def load(self, device: torch.device) -> Mixture:
        """Return the mixture on a device."""
        line = self.spacing * (torch.arange(self.side, dtype=torch.float64) - (self.side - 1) / 2)
        centres = torch.cartesian_prod(line, line)
        return plane_mixture(centres, self.sigma, self.scaled, device)
