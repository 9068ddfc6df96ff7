"""Further distances of the mode histogram from the data's own."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ganbench.core.column import Column
from ganbench.core.lazy import Tensor, torch
from ganbench.metrics import Metric, Sample
from ganbench.metrics._sets import judge_each_histogram


@dataclass(frozen=True)
class ModeBalance(Metric):
    """Total variation ½Σ|p − q| and Jensen-Shannon divergence between the histogram p over modes and the data's q.

    Over each sample's nearest mode, good or not. Both are bounded, by 1 and log 2, unlike the KL divergence of
    `modes`, and see a missing mode and an uneven spread alike. Non-finite samples, and data whose
    modes are not known, make both NaN.
    """

    name = "mode_balance"
    source = "Lin 1991, IEEE Transactions on Information Theory 37, for the Jensen-Shannon divergence"
    columns = (
        Column(
            "mode_tv",
            "total variation between the histogram over nearest modes and the data's own",
            "1",
            "lower",
            low=0.0,
            high=1.0,
        ),
        Column(
            "mode_jsd",
            "Jensen-Shannon divergence of the histogram over nearest modes",
            "nat",
            "lower",
            low=0.0,
            high=math.log(2),
        ),
    )

    def compute(self, fake: Sample, real: Sample, weights: Tensor) -> dict[str, Tensor]:
        """Return both columns, `[...]` each."""
        q = weights.double()

        def judge(p: Tensor) -> list[Tensor]:
            middle = (p + q) / 2
            kl = [(torch.xlogy(side, side) - torch.xlogy(side, middle)).sum() for side in (p, q)]
            return [(p - q).abs().sum() / 2, (kl[0] + kl[1]) / 2]

        return judge_each_histogram(fake, len(q), [column.name for column in self.columns], judge)
