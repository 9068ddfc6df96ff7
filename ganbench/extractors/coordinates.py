"""The samples' own numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganbench.extractors import Extractor

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Coordinates(Extractor):
    """The points themselves: for mixtures, distances between samples are distances in the plane."""

    name = "coordinates"
    source = "the data's own coordinates"

    def extract(self, samples: Tensor) -> Tensor:
        """Return `[..., n, d]` unchanged."""
        return samples
