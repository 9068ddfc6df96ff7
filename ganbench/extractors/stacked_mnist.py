"""The classifier of MNIST on each colour of an image."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.extractors._trained import StackedClassifier
from ganbench.extractors.mnist import MNIST


@dataclass(frozen=True)
class StackedMNIST(StackedClassifier):
    """The 64 features that the `mnist` classifier finds in red, green and blue, one after the other: 192.

    Colours are judged on their own, so the probability of the class 100a + 10b + c is the product of three.
    """

    name = "stacked_mnist"
    version = MNIST.version
    source = f"{MNIST.source}; stacked as in Metz et al. 2017, arXiv:1611.02163, section 3.3.1"
    classifier = MNIST

    def weights_hash(self) -> str:
        """Return what tells the data apart that the classifier is trained on."""
        return MNIST().weights_hash()
