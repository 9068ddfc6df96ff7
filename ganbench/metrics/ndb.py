"""The number of statistically different bins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval

from ganbench.core.column import Column
from ganbench.core.lazy import Tensor, torch
from ganbench.core.streams import stream
from ganbench.metrics import Metric, Sample
from ganbench.metrics._sets import distances, judge_each

SIGNIFICANT = 1.959963984540054  # two-sided 5 % of a standard normal
ROUNDS = 20


@dataclass(frozen=True)
class NDB(Metric):
    """Share of bins that hold significantly more or fewer generated than real samples; about 0.05 by chance.

    The bins are k-means cells of the real features, the test is the two-proportion z-test at 5 %. With fewer than ten
    real samples per bin there are fewer bins. NaN for non-finite features.
    """

    name = "ndb"
    aliases = ("number_of_different_bins",)
    source = "Richardson & Weiss 2018, arXiv:1805.12462, section 3"
    columns = (
        Column(
            "ndb",
            "share of k-means bins whose shares of generated and real samples differ at 5 %",
            "1",
            "lower",
            low=0.0,
            high=1.0,
        ),
    )

    bins: Annotated[int, Interval(ge=1, le=10_000)] = 100

    def compute(self, fake: Sample, real: Sample, weights: Tensor) -> dict[str, Tensor]:
        """Return the share of each leading index, `[...]`."""
        y = real.features.double()
        centres = _centres(y, max(1, min(self.bins, len(y) // 10)))
        expected = _shares(y, centres)

        def judge(x: Tensor) -> list[Tensor]:
            generated, n, m = _shares(x, centres), len(x), len(y)
            pooled = (n * generated + m * expected) / (n + m)
            error = (pooled * (1 - pooled) * (1 / n + 1 / m)).sqrt()
            return [((generated - expected).abs() > SIGNIFICANT * error).double().mean()]

        return judge_each(fake.features, ["ndb"], judge)


def _shares(x: Tensor, centres: Tensor) -> Tensor:
    """Return the share of rows nearest to each centre, `[K]`."""
    return distances(x, centres).argmin(dim=1).bincount(minlength=len(centres)).double() / len(x)


def _centres(x: Tensor, k: int) -> Tensor:
    """Return `k` centres: k-means++ from fixed random numbers, then Lloyd's rounds; an empty cell keeps its centre."""
    generator = torch.Generator("cpu").manual_seed(stream(0, "ndb"))
    uniform = torch.rand(k, generator=generator, dtype=torch.float64, device="cpu").to(x.device)
    chosen = [x[int(uniform[0] * len(x))]]
    nearest = (x - chosen[0]).square().sum(1)
    for u in uniform[1:]:
        mass = nearest.cumsum(0)
        chosen.append(x[int(torch.searchsorted(mass, u * mass[-1]).clamp(max=len(x) - 1))])
        nearest = torch.minimum(nearest, (x - chosen[-1]).square().sum(1))
    centres = torch.stack(chosen)
    for _ in range(ROUNDS):
        cell = distances(x, centres).argmin(dim=1)
        count = cell.bincount(minlength=k).unsqueeze(1)
        sums = torch.zeros_like(centres).index_add_(0, cell, x)
        centres = torch.where(count > 0, sums / count.clamp(min=1), centres)
    return centres
