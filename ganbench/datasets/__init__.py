"""Data sets: one file each; a file's presence registers it."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Protocol, final

from ganbench.core.component import Component
from ganbench.core.lazy import Tensor, torch


class Data(Protocol):
    """A data set on its device, with samples of order 1; `weights` `[K]` are the modes' shares of it.

    `weights` is empty where the modes are not known: every column about modes is then undefined.

    Training asks in two steps, so that random numbers can be drawn many training steps ahead at little cost:
    `sample_indices` returns something compact for `n` samples (row indices of a finite set, the points themselves of an
    endless one), and `gather` turns any slice of it, with any leading axes, into samples.

    Three more members are optional. `train`, whose slices `train[a:b]` are the training samples `[N, *shape]` of a
    finite set, and `log_density(samples)`, log p(x) `[..., n]` of samples `[..., n, *shape]` where the distribution is
    known, are for metrics that read them. `prefetch(block)` receives the indices `[steps, …]` of the next training
    steps as soon as they are drawn, so that a set that does not fit in memory can fetch their samples in the
    background. It is a hint: `gather` returns the same with or without it.

    Example:
        >>> import torch
        >>> from ganbench.datasets.ring import Ring
        >>> data = Ring(count=8).load(torch.device("cpu"))
        >>> generator = torch.Generator().manual_seed(0)
        >>> block = torch.stack([data.sample_indices(generator, 4) for _ in range(3)])  # three steps, batch 4
        >>> data.gather(block[0]).shape
        torch.Size([4, 2])
        >>> mode, good = data.assign(data.heldout(generator, 5), None)
        >>> mode.shape, good.dtype, data.weights.shape
        (torch.Size([5]), torch.bool, torch.Size([8]))
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
        default_extractor: name of the extractor that turns samples into features, unless the data set has a parameter
            `extractor`, which then names it.

    Example:
        >>> from ganbench.datasets.ring import Ring
        >>> ring = Ring(count=5, sigma=0.05)
        >>> ring.label, ring.shape, ring.modes, ring.extractor_name
        ('ring(count=5, sigma=0.05)', (2,), 5, 'coordinates')
    """

    kind: ClassVar[str] = "dataset"
    default_extractor: ClassVar[str] = "coordinates"

    @property
    @final
    def extractor_name(self) -> str:
        """Return the parameter `extractor` of a data set that has one, else `default_extractor`."""
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
        """Return in words what is done to each sample before it is used; every result carries this text."""
        return "not stated" if "images" in self.traits else "none"

    @property
    def dequantization_width(self) -> float:
        """Return the width of the uniform noise that training adds to real samples; 0 for none."""
        return 0.0

    def require_files(self) -> None:  # noqa: B027 - most data sets need none
        """Check, without preparing anything, that the data are there; raise a UsageError with the remedy if not."""

    def prepare(self) -> None:  # noqa: B027 - most data sets need nothing
        """Check before any trial starts that the data are there; raise a UsageError with the remedy if not."""

    @abstractmethod
    def load(self, device: torch.device) -> Data:
        """Return the data on a device."""
