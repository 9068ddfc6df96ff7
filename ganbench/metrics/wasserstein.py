"""The exact Wasserstein distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval

from ganbench.core.column import Column
from ganbench.core.lazy import Tensor
from ganbench.metrics import Metric, Sample
from ganbench.metrics._sets import distances, judge_each


@dataclass(frozen=True)
class Wasserstein(Metric):
    """W₂ = √(min over pairings of mean ‖x − y‖²), by optimal assignment of equally many samples of each side.

    Of both sets the first `points` count, or as many as the smaller one has: the cost grows with the cube. Between
    samples it is far from zero even where the distributions agree, so compare it with its floor, which has the same
    number. NaN for non-finite features.
    """

    name = "wasserstein"
    source = "Villani 2009, Optimal Transport, definition 6.1; Crouse 2016, IEEE TAES 52, for the assignment"
    columns = (
        Column("wasserstein", "exact 2-Wasserstein distance between as many features each", "1", "lower", low=0.0),
    )

    points: Annotated[int, Interval(ge=1, le=10_000)] = 1000

    def compute(self, fake: Sample, real: Sample, weights: Tensor) -> dict[str, Tensor]:
        """Return the distance of each leading index, `[...]`."""
        from scipy.optimize import linear_sum_assignment

        n = min(self.points, fake.features.shape[-2], len(real.features))
        y = real.features[:n].double()

        def judge(x: Tensor) -> list[float]:
            cost = distances(x, y).square().cpu().numpy()
            return [float(cost[linear_sum_assignment(cost)].mean() ** 0.5)]

        return judge_each(fake.features[..., :n, :], ["wasserstein"], judge)
