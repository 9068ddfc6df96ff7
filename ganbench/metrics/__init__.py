"""Metrics: what judges samples against the data. One file each; a file's presence registers it."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge

from ganbench.core.column import Column
from ganbench.core.component import Component

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Sample:
    """A set of samples with what the data set and its extractor say of them; leading axes (seeds) are free.

    Attributes:
        points: `[..., n, *shape]`. features: `[..., n, d]`.
        mode: `[..., n]` int64, the nearest mode. good: `[..., n]` bool, of high quality.
        probabilities: `[..., n, classes]` from the extractor; None where it knows no classes.
        log_density: `[..., n]` under the distribution of the data; None where that is not known or no metric wants it.
        training: on the real side, features `[N, d]` of the training set; None where the data are endless or no metric
            wants it.
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
    """Numbers that judge generated samples `[..., n, …]` against real ones `[m, …]`, one a leading index.

    The real-against-real floor of a metric is the metric of an independent real set in the generator's place.

    Attributes:
        every: steps between two of its values: it is asked at the evaluations that reach a multiple of them, and at the
            last. None: eight times a run. A cheap metric sets 1, every evaluation.
        columns: what it returns.
        requires_fields: which of a sample's optional fields it reads, `("log_density",)` or `("training",)`; the others
            are None.
    """

    kind: ClassVar[str] = "metric"
    columns: ClassVar[tuple[Column, ...]]
    requires_fields: ClassVar[tuple[str, ...]] = ()

    every: Every = field(default=None, kw_only=True)

    @abstractmethod
    def compute(self, fake: Sample, real: Sample, weights: Tensor) -> dict[str, Tensor]:
        """Return `[...]` values by column name; `weights` `[K]` are the modes' shares of the data.

        `weights` is empty where the modes are not known. NaN where a value is undefined; its column says when.
        """
