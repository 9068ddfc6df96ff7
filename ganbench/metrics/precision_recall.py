"""Precision, recall, density and coverage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Interval

from ganbench.core.column import Column
from ganbench.metrics import Metric, Sample
from ganbench.metrics._sets import distances, judge_each, undefined

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class PrecisionRecall(Metric):
    """Quality and diversity apart, from balls that reach to each sample's k-th nearest neighbour of its own set.

    precision: share of generated samples in some real ball; recall: share of real samples in some generated ball;
    density: real balls a generated sample lies in, over k; coverage: share of real balls with a generated sample.
    A ball has its rim for precision and recall (≤, as torch-fidelity) and not for density and coverage (<, as prdc).
    Density rewards a collapse onto one good point and may exceed 1. NaN for non-finite features or n ≤ k.
    """

    name = "precision_recall"
    source = "Kynkäänniemi et al. 2019, arXiv:1904.06991, eq. 1-2; Naeem et al. 2020, arXiv:2002.09797, eq. 3-4"
    columns = (
        Column(
            "precision", "share of generated samples within a real sample's k-nearest-neighbour ball", "1", "higher"
        ),
        Column("recall", "share of real samples within a generated sample's k-nearest-neighbour ball", "1", "higher"),
        Column("density", "real k-nearest-neighbour balls around a generated sample, over k; real 1", "1", "higher"),
        Column("coverage", "share of real k-nearest-neighbour balls with a generated sample", "1", "higher"),
    )

    k: Annotated[int, Interval(ge=1, le=1000)] = 5

    def compute(self, fake: Sample, real: Sample, weights: Tensor) -> dict[str, Tensor]:
        """Return the four columns, `[...]` each."""
        y, k = real.features.double(), self.k
        names = [column.name for column in self.columns]
        if min(len(y), fake.features.shape[-2]) <= k:
            return undefined(fake.features, names)
        real_radius = _radii(y, k)

        def judge(x: Tensor) -> list[Tensor]:
            between = distances(x, y)
            inside = between < real_radius
            return [
                (between <= real_radius).any(dim=1).double().mean(),
                (between <= _radii(x, k).unsqueeze(1)).any(dim=0).double().mean(),
                inside.double().sum(dim=1).mean() / k,
                inside.any(dim=0).double().mean(),
            ]

        return judge_each(fake.features, names, judge)


def _radii(x: Tensor, k: int) -> Tensor:
    """Return each row's distance to its k-th nearest other row, `[n, d] → [n]`."""
    return distances(x, x).fill_diagonal_(0.0).kthvalue(k + 1, dim=1).values
