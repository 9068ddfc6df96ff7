"""The digits classifier on each colour of an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganbench.extractors import Extractor
from ganbench.extractors._triples import triple_probabilities
from ganbench.extractors.digits import WIDTH, Digits

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class StackedDigits(Extractor):
    """The 64 features that the `digits` classifier finds in red, green and blue, one after the other: 192.

    Colours are judged on their own, so the probability of the class 100a + 10b + c is the product of three.
    """

    name = "stacked_digits"
    version = Digits.version
    source = f"{Digits.source}; stacked as in Metz et al. 2017, arXiv:1611.02163, section 3.3.1"

    def prepare(self) -> None:
        """Train the digits classifier, or find it in the user's cache.

        Raises:
            GanbenchError: its held-out accuracy is below 0.97.
        """
        Digits().prepare()

    def extract(self, samples: Tensor) -> Tensor:
        """Return `[..., n, 192]` features of images `[..., n, 3, 8, 8]` in [-1, 1]."""
        # Colours first: a set of one colour is one matrix product, and keeps its bits whatever lies beside it.
        colours = samples.movedim(-3, 0).unsqueeze(-3)
        return Digits().extract(colours).movedim(0, -2).flatten(-2)

    def class_probabilities(self, features: Tensor) -> Tensor:
        """Return the probabilities `[..., n, 1000]` of triples from features `[..., n, 192]`."""
        return triple_probabilities(Digits().class_probabilities(features.unflatten(-1, (3, WIDTH))))
