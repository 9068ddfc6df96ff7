"""The classifier of MNIST on each colour of an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganbench.core.lazy import torch
from ganbench.extractors import Extractor
from ganbench.extractors._scans import WIDTH
from ganbench.extractors._triples import triple_probabilities
from ganbench.extractors.mnist import MNIST

if TYPE_CHECKING:
    from torch import Tensor

COLOURS = 3


@dataclass(frozen=True)
class StackedMNIST(Extractor):
    """The 64 features that the `mnist` classifier finds in red, green and blue, one after the other: 192.

    Colours are judged on their own, so the probability of the class 100a + 10b + c is the product of three.
    """

    name = "stacked_mnist"
    version = MNIST.version
    source = f"{MNIST.source}; stacked as in Metz et al. 2017, arXiv:1611.02163, section 3.3.1"

    def prepare(self) -> None:
        """Train the `mnist` classifier, or find it in the user's cache.

        Raises:
            UsageError: MNIST's files are not there, or they are broken.
            GanbenchError: its accuracy on test scans is below 0.99.
        """
        MNIST().prepare()

    def weights_hash(self) -> str:
        """Return what tells the data apart that the classifier is trained on."""
        return MNIST().weights_hash()

    def extract(self, samples: Tensor) -> Tensor:
        """Return `[..., n, 192]` features of images `[..., n, 3, H, W]` in [-1, 1]."""
        # One colour after the other: tens of thousands of samples of many seeds are not copied.
        return torch.cat([MNIST().extract(samples[..., c : c + 1, :, :]) for c in range(COLOURS)], dim=-1)

    def class_probabilities(self, features: Tensor) -> Tensor:
        """Return the probabilities `[..., n, 1000]` of triples from features `[..., n, 192]`."""
        return triple_probabilities(MNIST().class_probabilities(features.unflatten(-1, (COLOURS, WIDTH))))
