"""The birthday test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval

from ganbench.core.column import Column
from ganbench.core.lazy import Tensor, torch
from ganbench.metrics import Metric, Sample
from ganbench.metrics._sets import judge_each


@dataclass(frozen=True)
class Birthday(Metric):
    """Share of small batches of generated samples that hold a near-duplicate pair.

    Of N equally likely things a batch of s holds a duplicate with probability 1 − e^{−s(s−1)/2N}: many duplicates mean
    a small support. Two samples are near duplicates if they are closer than the closest pair of the median real
    batch, so real data score about 0.5; well above it the generator repeats itself, below it its samples are more
    spread out than real ones. NaN for non-finite features or fewer than a batch.
    """

    name = "birthday"
    source = "Arora & Zhang 2017, arXiv:1706.08224, section 3"
    columns = (
        Column("birthday", "share of batches with a pair closer than the closest of the median real batch; real 0.5"),
    )

    batch: Annotated[int, Interval(ge=2, le=1000)] = 24

    def compute(self, fake: Sample, real: Sample, weights: Tensor) -> dict[str, Tensor]:
        """Return the share of each leading index, `[...]`."""
        closest = _closest_pairs(real.features.double(), self.batch)
        near = closest.quantile(0.5) if len(closest) else closest.new_tensor(torch.nan)

        def judge(x: Tensor) -> list[Tensor]:
            share = (_closest_pairs(x, self.batch) <= near).double().mean()
            return [share.where(near.isfinite(), torch.nan)]

        return judge_each(fake.features, ["birthday"], judge)


def _closest_pairs(x: Tensor, batch: int) -> Tensor:
    """Return the smallest distance within each batch of successive rows, `[n, d] → [n // batch]`."""
    return torch.stack([torch.pdist(b).min() for b in x.split(batch) if len(b) == batch] or [x.new_empty(0)]).flatten()
