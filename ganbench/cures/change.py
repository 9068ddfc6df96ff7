"""What a remedy is: a change of a failing trial."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ganbench.core.trial import Trial


class UnfitError(Exception):
    """A remedy has no place in this trial; the text is the reason."""


class Changed(NamedTuple):
    """A trial with a remedy, and what the remedy is: `r1(gamma=0.1)`, `D's learning rate 0.01 → 0.0025`."""

    trial: Trial
    title: str


Change = Callable[[Trial], Changed]
