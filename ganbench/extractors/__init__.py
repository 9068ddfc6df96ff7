"""Extractor extractors: what distances between sample sets are measured in. One file each."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, final

from ganbench.core.component import Component

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Extractor(Component):
    """Turns samples into vectors; its name and version stand beside every number computed from them."""

    kind: ClassVar[str] = "extractor"

    def prepare(self) -> None:  # noqa: B027 - most extractors need no preparation
        """Train or fetch what `extract` needs, once for all trials, into the user's cache."""

    @abstractmethod
    def extract(self, samples: Tensor) -> Tensor:
        """Return features `[..., n, d]` of samples `[..., n, *shape]`, without gradient."""

    @final
    def identity(self) -> str:
        """Return the name, with the hash of the weights where they come from a file: what tells extractors apart."""
        digest = getattr(self, "weights_hash", None)
        return f"{self.name} {digest()}" if digest is not None else self.name

    @final
    def probabilities(self, features: Tensor) -> Tensor | None:
        """Return class probabilities `[..., n, classes]` from features; None for an extractor that knows no classes."""
        classify = getattr(self, "class_probabilities", None)
        return classify(features) if classify is not None else None
