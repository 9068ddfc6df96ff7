"""Gaussians on a line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt, Len

from ganbench.core.lazy import torch
from ganbench.datasets import Dataset
from ganbench.datasets._mixture import Mixture


@dataclass(frozen=True)
class Gaussian1D(Dataset):
    """A mixture of Gaussians of standard deviation `sigma` on a line, at `means`."""

    name = "gaussian_1d"
    source = "Goodfellow et al. 2014, arXiv:1406.2661, figure 1"

    means: Annotated[tuple[float, ...], Len(1, 1000)] = (-1.0, 1.0)
    sigma: Annotated[float, Gt(0)] = 0.1

    @property
    def shape(self) -> tuple[int, ...]:
        """Return (1,): points of a line."""
        return (1,)

    @property
    def modes(self) -> int:
        """Return the number of Gaussians."""
        return len(self.means)

    def load(self, device: torch.device) -> Mixture:
        """Return the mixture on a device."""
        return Mixture(torch.tensor(self.means).unsqueeze(-1), self.sigma, device)
