"""The digits classifier on each colour of an image."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.extractors._trained import StackedClassifier
from ganbench.extractors.digits import Digits


@dataclass(frozen=True)
class StackedDigits(StackedClassifier):
    """The 64 features that the `digits` classifier finds in red, green and blue, one after the other: 192.

    Colours are judged on their own, so the probability of the class 100a + 10b + c is the product of three.
    """

    name = "stacked_digits"
    version = Digits.version
    source = f"{Digits.source}; stacked as in Metz et al. 2017, arXiv:1611.02163, section 3.3.1"
    classifier = Digits
