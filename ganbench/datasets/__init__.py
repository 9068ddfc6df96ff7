"""Data sets: one file each; a file's presence registers it."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol, final

from ganbench.core.component import Component

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Data(Protocol):
    """A data set on its device, with samples of order 1; `weights` `[K]` are the modes' shares of it.

    `weights` is empty where the modes are not known: every column about modes is then undefined.

    Training asks in two strokes, so that randomness can be drawn many steps ahead at little cost: `sample_indices`
    gives something compact for `n` samples (row indices of a finite set, points of an endless one), `gather` turns any
    slice of it, with any leading axes, into samples.

    Three more things may be there. For metrics that can use them: `train`, whose slices `train[a:b]` are the training
    samples `[N, *shape]` of a finite set, and `log_density(samples)`, log p(x) `[..., n]` of samples `[..., n, *shape]`
    where the distribution is known. And `prefetch(block)`, which is told of what training will `gather`, `[steps, …]`,
    step after step, as soon as it is drawn: a set that does not fit in memory fetches it in the meantime. It is a hint:
    `gather` must give the same whether it was told or not.
    """

    weights: Tensor

    def sample_indices(self, generator: torch.Generator, n: int) -> Tensor:
        """Return the compact form of `n` training samples, first axis `n`."""
        ...

    def gather(self, indices: Tensor) -> Tensor:
        """Return samples `[..., *shape]` from a slice `[..., (d)]` of what `sample_indices` gave."""
        ...

    def heldout(self, generator: torch.Generator, n: int) -> Tensor:
        """Return up to `n` real samples `[m, *shape]` that training never sees, m ≤ n."""
        ...

    def assign(self, samples: Tensor, probabilities: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return for each sample `[..., n]` its mode (int64) and whether it is of high quality (bool).

        `probabilities` `[..., n, classes]` come from the data set's extractor, None where it knows no classes.
        """
        ...


@dataclass(frozen=True)
class Dataset(Component):
    """Where real samples come from.

    Attributes:
        shape: of one sample: `(d,)` for points, `(C, H, W)` for images; images also have the trait `"images"`.
        modes: how many modes are known, 0 where none are.
        default_extractor: the extractor its features come from, unless a parameter `extractor` names another one.
    """

    kind: ClassVar[str] = "dataset"
    default_extractor: ClassVar[str] = "coordinates"

    @property
    @final
    def extractor_name(self) -> str:
        """Return the name of the extractor: the parameter `extractor` where there is one, else `default_extractor`."""
        return getattr(self, "extractor", self.default_extractor)

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Return the shape of one sample."""

    @property
    @abstractmethod
    def modes(self) -> int:
        """Return how many modes are known."""

    @property
    def preparation(self) -> str:
        """Return in words what is done to a sample before anything sees it; it stands beside every result."""
        return "not stated" if "images" in self.traits else "none"

    @property
    def dequantization_width(self) -> float:
        """Return the width of the uniform noise that training adds to real samples; 0 for none."""
        return 0.0

    def prepare(self) -> None:  # noqa: B027 - most data sets need nothing
        """Say before any trial starts if the data cannot be had: raise a UsageError with the remedy."""

    @abstractmethod
    def load(self, device: torch.device) -> Data:
        """Return the data on a device."""
