"""Precision, recall, density and coverage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval

from ganbench.core.column import Column
from ganbench.core.lazy import Tensor, torch
from ganbench.metrics import Metric, Sample
from ganbench.metrics._sets import blocks, judge_each, neighbour_distances, undefined


@dataclass(frozen=True)
class PrecisionRecall(Metric):
    """Quality and diversity apart, from balls that reach to each sample's k-th nearest neighbour of its own set.

    precision: share of generated samples in some real ball; recall: share of real samples in some generated ball;
    density: real balls a generated sample lies in, over k; coverage: share of real balls with a generated sample.
    A ball has its rim for precision and recall (≤, as torch-fidelity) and not for density and coverage (<, as prdc).
    Density rewards a collapse onto one good point and may exceed 1. NaN for non-finite features or n ≤ k.
    """

    name = "precision_recall"
    aliases = ("prdc", "density_coverage", "improved_precision_recall", "improved_precision_and_recall")
    source = "Kynkäänniemi et al. 2019, arXiv:1904.06991, eq. 1-2; Naeem et al. 2020, arXiv:2002.09797, section 3.2"
    columns = (
        Column(
            "precision",
            "share of generated samples within a real sample's k-nearest-neighbour ball",
            "1",
            "higher",
            low=0.0,
            high=1.0,
        ),
        Column(
            "recall",
            "share of real samples within a generated sample's k-nearest-neighbour ball",
            "1",
            "higher",
            low=0.0,
            high=1.0,
        ),
        Column(
            "density",
            "real k-nearest-neighbour balls around a generated sample, over k; real 1",
            "1",
            "higher",
            low=0.0,
        ),
        Column(
            "coverage",
            "share of real k-nearest-neighbour balls with a generated sample",
            "1",
            "higher",
            low=0.0,
            high=1.0,
        ),
    )

    k: Annotated[int, Interval(ge=1, le=1000)] = 5

    def compute(self, fake: Sample, real: Sample, weights: Tensor) -> dict[str, Tensor]:
        """Return the four columns, `[...]` each."""
        y, k = real.features.double(), self.k
        names = [column.name for column in self.columns]
        if min(len(y), fake.features.shape[-2]) <= k:
            return undefined(fake.features, names)
        real_radius = neighbour_distances(y, k)

        def judge(x: Tensor) -> list[Tensor]:
            radius = neighbour_distances(x, k).unsqueeze(1)
            precise, inside = x.new_zeros(()), x.new_zeros(())
            recalled, covered = (torch.zeros(len(y), dtype=torch.bool, device=y.device) for _ in range(2))
            for start, between in blocks(x, y):
                precise += (between <= real_radius).any(dim=1).sum()
                recalled |= (between <= radius[start : start + len(between)]).any(dim=0)
                within = between < real_radius
                inside += within.sum()
                covered |= within.any(dim=0)
            n = len(x)
            return [precise / n, recalled.double().mean(), inside / (k * n), covered.double().mean()]

        return judge_each(fake.features, names, judge)
