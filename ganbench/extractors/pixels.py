"""An image's own colours, coarsely: for data sets that no classifier knows."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.core.lazy import F, Tensor
from ganbench.extractors import Extractor

SIDE = 8


@dataclass(frozen=True)
class Pixels(Extractor):
    """The image averaged to 8×8 places: 64 numbers per colour, for data that no classifier here knows.

    Distances then are of layout and colour, not of content: compare them with their floor, and with no other
    extractor's. Few enough for a covariance of a few thousand samples, which all pixels of a larger image are not.
    """

    name = "pixels"
    source = "the images' own pixels, averaged"

    def extract(self, samples: Tensor) -> Tensor:
        """Return `[..., n, C·64]` features of images `[..., n, C, H, W]`, at least 8 pixels high and wide."""
        images = samples.flatten(0, -4)
        return F.adaptive_avg_pool2d(images, SIDE).flatten(1).reshape(*samples.shape[:-3], -1)
