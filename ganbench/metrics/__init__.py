"""Metrics compare generated samples with real ones. One file each; a file's presence registers it."""

from __future__ import annotations

import functools
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from annotated_types import Ge

from ganbench.core.column import Column
from ganbench.core.component import Component
from ganbench.core.errors import UsageError
from ganbench.core.lazy import Tensor

# The sixth power of larger numbers, which cubic kernels take, leaves the range of float64.
LARGEST = 1e48


@dataclass(frozen=True)
class Sample:
    """A set of samples with their features and modes, by the data set and its extractor; leading axes are seeds.

    Attributes:
        points: `[..., n, *shape]`. features: `[..., n, d]`.
        mode: `[..., n]` int64, the nearest mode. good: `[..., n]` bool, of high quality.
        probabilities: `[..., n, classes]` from the extractor; None where it knows no classes.
        log_density: `[..., n]` under the distribution of the data; None where it is not known or no metric requires it.
        training: on the real side, features `[N, d]` of the training set; None where the data are endless or no metric
            requires it.

    Example:
        >>> import torch
        >>> points = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
        >>> Sample(points, points, mode=torch.tensor([0, 1]), good=torch.tensor([True, False])).probabilities is None
        True
    """

    points: Tensor
    features: Tensor
    mode: Tensor
    good: Tensor
    probabilities: Tensor | None = None
    log_density: Tensor | None = None
    training: Tensor | None = None


Every = Annotated[int | None, Ge(1)]


@dataclass(frozen=True)
class Metric(Component):
    """Numbers that compare generated samples `[..., n, …]` with real ones `[m, …]`, one per leading index.

    The real-against-real floor of a metric is the metric of an independent real set in the generator's place.

    Attributes:
        every: steps between two of its values: it is computed at the evaluations that reach a multiple of them, and at
            the last. None: eight times per run. A cheap metric sets 1, every evaluation.
        columns: what it returns.
        requires_fields: which of a sample's optional fields it reads, `("log_density",)` or `("training",)`; the others
            are None.

    Example:
        >>> import torch
        >>> from dataclasses import dataclass
        >>> @dataclass(frozen=True)
        ... class MeanShift(Metric):
        ...     '''The distance between the means of the features.'''
        ...
        ...     name = "mean_shift"
        ...     columns = (Column("mean_shift", "distance between mean features", "1", "lower"),)
        ...
        ...     def compute(self, fake, real, weights):
        ...         return {"mean_shift": (fake.features.mean(-2) - real.features.mean(-2)).norm(dim=-1)}
        >>> def sample(points):
        ...     mode = torch.zeros(points.shape[:-1], dtype=torch.int64)
        ...     return Sample(points, points, mode, mode == 0)
        >>> fake, real = torch.full((4, 10, 2), 0.0), torch.tensor([[3.0, 4.0]])  # four seeds, ten samples each
        >>> MeanShift().compute(sample(fake), sample(real), torch.ones(1))
        {'mean_shift': tensor([5., 5., 5., 5.])}
    """

    kind: ClassVar[str] = "metric"
    columns: ClassVar[tuple[Column, ...]]
    requires_fields: ClassVar[tuple[str, ...]] = ()

    every: Every = field(default=None, kw_only=True)

    def __init_subclass__(cls) -> None:
        """Let every metric refuse real samples without numbers, before it makes some of them."""
        super().__init_subclass__()
        if "compute" in vars(cls):
            cls.compute = _of_finite_data(cls.compute)  # pyright: ignore[reportAttributeAccessIssue]

    @abstractmethod
    def compute(self, fake: Sample, real: Sample, weights: Tensor) -> dict[str, Tensor]:
        """Return `[...]` values by column name; `weights` `[K]` are the modes' shares of the data.

        `weights` is empty where the modes are not known. NaN where a value is undefined; its column says when.

        Raises:
            UsageError: a feature of the real samples is not finite, or beyond 1e48.
        """


Compute = Callable[[Any, Sample, Sample, "Tensor"], "dict[str, Tensor]"]


def _of_finite_data(compute: Compute) -> Compute:
    """Return a metric's `compute` that says which data are broken: a number made of NaN would look like any other."""

    @functools.wraps(compute)
    def checked(self: Metric, fake: Sample, real: Sample, weights: Tensor) -> dict[str, Tensor]:
        for name, features in (("real samples", real.features), ("training set", real.training)):
            if features is None or not features.numel():
                continue
            low, high = features.aminmax()
            if not -LARGEST < float(low) <= float(high) < LARGEST:
                raise UsageError(
                    f"{self.name}: features of the {name} are not finite, or beyond {LARGEST:g}; check the data set "
                    "and the weights of its extractor"
                )
        return compute(self, fake, real, weights)

    return checked
