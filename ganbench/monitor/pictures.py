"""Pictures of samples: few, small, and as bytes, so that they cost the same memory whatever samples are."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ganbench.monitor.embedding import is_image
from ganbench.training.history import SNAPSHOT_POINTS

MOST = 64  # samples in a picture
LARGEST = 128  # pixels of a side
COLOURS = (1, 3)
SLACK = 1e-3  # beyond an end of a range, by which resized images overshoot
BRIGHT = 64.0  # of 255, which some pixel of a minibatch reaches

Range = tuple[float, float]


def size_of(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return the height and width that images of a shape are stored in."""
    height, width = shape[-2:]
    shrink = min(1.0, LARGEST / max(height, width))
    return max(1, round(height * shrink)), max(1, round(width * shrink))


def drawable(shape: tuple[int, ...]) -> bool:
    """Return whether samples of a shape are drawn as images."""
    return is_image(shape)


def range_of(low: float, high: float) -> Range:
    """Return the range that real images whose numbers lie between two are meant to have.

    It is 0…255, 0…1 or −1…1 where they fit into it and are not lost in it; of standardised images, rain or Hounsfield
    units it is their own.
    """
    least = -1.0 if low < 0 else 0.0
    if least - SLACK <= low and high <= 1.0 + SLACK:
        return least, 1.0
    return (0.0, 255.0) if low >= 0 and BRIGHT <= high <= 255.0 else (min(low, 0.0), high)


def thumbnails(images: Tensor, size: tuple[int, int], limits: Range) -> Tensor:
    """Return the first 64 images `[n, C, H, W]` as bytes `[n, 1 or 3, h, w]`; of others the first channel."""
    images = images[:MOST]
    if images.shape[1] not in COLOURS:
        images = images[:, : 3 if images.shape[1] == 4 else 1]
    small = images if tuple(images.shape[-2:]) == size else F.adaptive_avg_pool2d(images, size)
    low, high = limits
    return ((small.nan_to_num() - low) / (high - low) * 255).round().clamp(0, 255).to(torch.uint8).cpu()


def grid(images: Tensor) -> np.ndarray:
    """Return byte images `[n, 1 or 3, h, w]` as one picture `[rows · h, columns · w, 3]`."""
    n, _, height, width = images.shape
    columns = math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    tiles = torch.zeros(rows * columns, 3, height, width, dtype=torch.uint8)
    tiles[:n] = images.expand(-1, 3, -1, -1)
    laid = tiles.unflatten(0, (rows, columns)).permute(0, 3, 1, 4, 2)
    return laid.reshape(rows * height, columns * width, 3).numpy()


class Drawing:
    """How samples of a shape are kept to be looked at: images as small bytes, others as a few numbers.

    Args:
        real: real samples `[n, *shape]`.
    """

    def __init__(self, real: Tensor) -> None:
        self.images = drawable(tuple(real.shape[1:]))
        self._size = size_of(tuple(real.shape[1:])) if self.images else (0, 0)
        self._limits: Range = range_of(*(float(x) for x in real.aminmax())) if self.images else (-1.0, 1.0)

    def of(self, points: Tensor, features: Tensor) -> Tensor:
        """Return the picture of samples: bytes `[≤ 64, C, h, w]`, or numbers `[≤ 256, d]`, on the CPU."""
        if self.images and drawable(tuple(points.shape[1:])):
            return thumbnails(points, self._size, self._limits)
        few_numbers = points.flatten(1) if points[:1].numel() <= features.shape[1] else features[: len(points)]
        return few_numbers[:SNAPSHOT_POINTS].cpu().clone()
