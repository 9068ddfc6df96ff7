"""Extractors: the features that distances between sets of samples are measured in. One file each."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, final

from ganbench.core.component import Component
from ganbench.core.lazy import Tensor


@dataclass(frozen=True)
class Extractor(Component):
    """Turns samples into feature vectors; its name and version stand beside every number computed from them.

    An extractor whose weights come from a file also has `weights_hash() -> str`, which tells the files apart.

    Attributes:
        takes: the range that images must be in, where it matters.

    Example:
        >>> import torch
        >>> from dataclasses import dataclass
        >>> @dataclass(frozen=True)
        ... class Norm(Extractor):
        ...     '''The distance of a point from 0.'''
        ...
        ...     name = "norm"
        ...
        ...     def extract(self, samples):
        ...         return samples.norm(dim=-1, keepdim=True)
        >>> Norm().extract(torch.tensor([[3.0, 4.0], [0.0, 2.0]])).tolist()
        [[5.0], [2.0]]
        >>> Norm().identity()
        'norm'
    """

    kind: ClassVar[str] = "extractor"
    takes: ClassVar[tuple[float, float] | None] = None

    def prepare(self) -> None:  # noqa: B027 - most extractors need no preparation
        """Train or fetch what `extract` needs, once for all trials, into the user's cache."""

    @abstractmethod
    def extract(self, samples: Tensor) -> Tensor:
        """Return features `[..., n, d]` of samples `[..., n, *shape]`, without gradient."""

    def probabilities(self, features: Tensor) -> Tensor | None:
        """Return class probabilities `[..., n, classes]` from features; None for an extractor that knows no classes."""
        return None

    @final
    def identity(self) -> str:
        """Return the name, with the hash of the weights where they come from a file: what tells extractors apart."""
        digest = getattr(self, "weights_hash", None)
        return f"{self.name} {digest()}" if digest is not None else self.name
