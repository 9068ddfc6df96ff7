"""scikit-learn's handwritten digits and their one split, which the data set and its classifier share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganbench.core.lazy import numpy, torch

if TYPE_CHECKING:
    from torch import Tensor

HELD_OUT_EVERY = 4


def digit_images() -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Return (images, labels) for training and held out; images `[N, 1, 8, 8]` in [-1, 1].

    Every fourth scan of each class, in the order of the file, is held out: no randomness, and all classes alike.
    """
    from sklearn.datasets import load_digits

    scans, labels = load_digits(return_X_y=True)
    held = numpy.zeros(len(labels), dtype=bool)
    for label in range(10):
        held[numpy.flatnonzero(labels == label)[HELD_OUT_EVERY - 1 :: HELD_OUT_EVERY]] = True
    images = torch.from_numpy(scans / 8.0 - 1.0).float().reshape(-1, 1, 8, 8)
    targets, kept = torch.from_numpy(labels), torch.from_numpy(held)
    return (images[~kept], targets[~kept]), (images[kept], targets[kept])
