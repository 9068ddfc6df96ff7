"""The sliced Wasserstein distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval

from ganbench.core.column import Column
from ganbench.core.lazy import F, Tensor, torch
from ganbench.core.streams import stream
from ganbench.metrics import Metric, Sample
from ganbench.metrics._sets import judge_each


@dataclass(frozen=True)
class SlicedWasserstein(Metric):
    """√(mean over directions u of W₂²(u·X, u·Y)): exact in one dimension, along random directions.

    The directions are the same at every evaluation. The sets may have different sizes. Biased upwards like every
    Wasserstein distance between samples, so compare it with its floor. NaN for non-finite features.
    """

    name = "sliced_wasserstein"
    aliases = ("swd",)
    source = "Bonneel et al. 2015, Journal of Mathematical Imaging and Vision 51"
    columns = (
        Column(
            "sliced_wasserstein",
            "sliced 2-Wasserstein distance between features, root of the mean",
            "1",
            "lower",
            low=0.0,
        ),
    )

    projections: Annotated[int, Interval(ge=1, le=10_000)] = 100

    def compute(self, fake: Sample, real: Sample, weights: Tensor) -> dict[str, Tensor]:
        """Return the distance of each leading index, `[...]`."""
        y = real.features.double()
        directions = _directions(y.shape[-1], self.projections).to(y)
        rows, other, share = _coupling(fake.features.shape[-2], len(y), y.device)
        quantiles = (y @ directions).sort(dim=0).values[other]

        def judge(x: Tensor) -> list[Tensor]:
            gaps = (x @ directions).sort(dim=0).values[rows] - quantiles
            return [(share @ gaps.square()).mean().sqrt()]

        return judge_each(fake.features, ["sliced_wasserstein"], judge)


def _directions(d: int, count: int) -> Tensor:
    """Return `[d, count]` unit vectors, always the same ones."""
    generator = torch.Generator("cpu").manual_seed(stream(0, "sliced_wasserstein", d))
    return F.normalize(torch.randn(d, count, generator=generator, dtype=torch.float64, device="cpu"), dim=0)


def _coupling(n: int, m: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Return the monotone coupling of `n` and `m` sorted points: which meets which, and with what share of the mass."""
    steps = torch.cat((torch.arange(n, device=device) * m, torch.arange(m, device=device) * n)).unique()
    ends = torch.cat((steps[1:], steps.new_tensor([n * m])))
    return steps // m, steps // n, (ends - steps).double() / (n * m)
