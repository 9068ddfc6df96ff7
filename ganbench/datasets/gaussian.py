"""One Gaussian, endless or with few points to train on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Gt, Interval, Len

from ganbench.core.lazy import torch
from ganbench.core.streams import stream
from ganbench.datasets import Dataset
from ganbench.datasets._mixture import Mixture, Points

if TYPE_CHECKING:
    from ganbench.datasets import Data


@dataclass(frozen=True)
class Gaussian(Dataset):
    """N(mean, σ²I) in `dimension` dimensions; `mean` is one number for all axes or one per axis.

    With `points` the discriminator trains on that many, always the same, and may memorise them; held-out samples
    are fresh draws.
    """

    name = "gaussian"
    source = "Arjovsky & Bottou 2017, arXiv:1701.04862, section 2, for thin ones"

    dimension: Annotated[int, Interval(ge=1, le=10_000)] = 2
    mean: Annotated[tuple[float, ...], Len(1, 10_000)] = (0.0,)
    sigma: Annotated[float, Gt(0)] = 1.0
    points: Annotated[int, Interval(ge=1, le=10_000_000)] | None = None

    def __post_init__(self) -> None:
        """Check that the mean has one number, or one per axis."""
        given, needed = len(self.mean), self.dimension
        if given not in (1, needed):
            raise ValueError(f"mean has {given} numbers and dimension is {needed}; give one number or {needed}")

    @property
    def shape(self) -> tuple[int, ...]:
        """Return (dimension,)."""
        return (self.dimension,)

    @property
    def modes(self) -> int:
        """Return 1."""
        return 1

    def load(self, device: torch.device) -> Data:
        """Return the Gaussian, or its points, on a device."""
        centre = torch.tensor(self.mean).expand(1, self.dimension).contiguous()
        mixture = Mixture(centre, self.sigma, device)
        if self.points is None:
            return mixture
        return Points(mixture, self.points, torch.Generator(device).manual_seed(stream(0, "gaussian points")))
