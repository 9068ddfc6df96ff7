"""A single point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt

from ganbench.core.lazy import Tensor, torch
from ganbench.datasets import Dataset


@dataclass(frozen=True)
class Dirac(Dataset):
    """All data at 0 of the line: with the `dirac` network, the smallest game there is.

    A sample is of high quality within `tolerance` of 0.
    """

    name = "dirac"
    aliases = ("dirac_gan",)
    source = "Mescheder et al. 2018, arXiv:1801.04406, section 2"

    tolerance: Annotated[float, Gt(0)] = 0.1

    @property
    def shape(self) -> tuple[int, ...]:
        """Return (1,): points of a line."""
        return (1,)

    @property
    def modes(self) -> int:
        """Return 1."""
        return 1

    def load(self, device: torch.device) -> Point:
        """Return the point on a device."""
        return Point(self.tolerance, device)


class Point:
    """Samples that are all 0."""

    def __init__(self, tolerance: float, device: torch.device) -> None:
        self.tolerance, self.device = tolerance, device
        self.weights = torch.ones(1, dtype=torch.float64, device=device)

    def sample_indices(self, generator: torch.Generator, n: int) -> Tensor:
        """Return zeros `[n, 1]`; no random number is used."""
        return torch.zeros(n, 1, device=self.device)

    def gather(self, indices: Tensor) -> Tensor:
        """Return the points themselves."""
        return indices

    def heldout(self, generator: torch.Generator, n: int) -> Tensor:
        """Return zeros `[n, 1]`."""
        return self.sample_indices(generator, n)

    def assign(self, samples: Tensor, probabilities: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return mode 0 for every sample, and whether it lies within the tolerance."""
        return torch.zeros(samples.shape[:-1], dtype=torch.int64, device=self.device), (
            samples.abs().squeeze(-1) <= self.tolerance
        )
