"""The energy distance."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.core.column import Column
from ganbench.core.lazy import Tensor
from ganbench.metrics import Metric, Sample
from ganbench.metrics._sets import judge_each, mean_between, mean_within


@dataclass(frozen=True)
class EnergyDistance(Metric):
    """2E‖X − Y‖ − E‖X − X′‖ − E‖Y − Y′‖ between generated and real features, without bias.

    Zero exactly where the distributions agree. The estimate is a U-statistic: with few samples it may be negative, and
    rightly so. It hardly sees a change of the spread within modes. NaN for non-finite features or a single sample.
    """

    name = "energy_distance"
    source = "Székely & Rizzo 2013, Journal of Statistical Planning and Inference 143, section 2"
    columns = (Column("energy_distance", "unbiased energy distance between features; may be negative", "1", "lower"),)

    def compute(self, fake: Sample, real: Sample, weights: Tensor) -> dict[str, Tensor]:
        """Return the distance of each leading index, `[...]`."""
        y = real.features.double()
        within = mean_within(y)
        return judge_each(
            fake.features,
            ["energy_distance"],
            lambda x: [2 * mean_between(x, y) - mean_within(x) - within],
        )
