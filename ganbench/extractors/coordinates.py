"""The samples' own numbers."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.core.lazy import Tensor
from ganbench.extractors import Extractor


@dataclass(frozen=True)
class Coordinates(Extractor):
    """The points themselves: for mixtures, distances between samples are distances in the plane."""

    name = "coordinates"
    source = "the data's own coordinates"

    def extract(self, samples: Tensor) -> Tensor:
        """Return `[..., n, d]` unchanged."""
        return samples
