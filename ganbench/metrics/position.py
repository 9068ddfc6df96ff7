"""Where the generator is: the source of its movement from evaluation to evaluation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Interval

from ganbench.core.column import Column
from ganbench.core.lazy import Tensor, torch
from ganbench.metrics import Every, Metric, Sample
from ganbench.metrics._sets import captured, in_range, mode_counts

AXES = 8
MOST_MODES = 52  # whole numbers below 2^53 are exact


@dataclass(frozen=True)
class Position(Metric):
    """Where the generated samples lie and how far they spread, in units of the data's spread √(tr Σ_data).

    Its mean is given along the first eight principal axes of the data's features, from the data's mean; features of
    fewer dimensions have all of them and lie at 0 on the others. Evaluations share their latents, so what moves from
    one to the next is the generator and no sampling noise. A data set without spread (one point) is measured in its own
    units. Non-finite features make every column NaN.
    """

    name = "position"
    source = "Metz et al. 2016, arXiv:1611.02163, section 3.1, for generators that rotate through modes"
    columns = (
        *(
            Column(
                f"position_{i + 1}",
                f"generated mean along the data's principal axis {i + 1}",
                title=f"Position along axis {i + 1}",
            )
            for i in range(AXES)
        ),
        Column("total_spread", "√(tr Σ_G / tr Σ_data) over features", title="Spread of the samples"),
        Column("mode_set", f"captured modes as bits, Σ 2^k (modes_captured); NaN for no or over {MOST_MODES} modes"),
    )

    share: Annotated[float, Interval(gt=0, le=1)] = 0.2
    every: Every = field(default=1, kw_only=True)

    def compute(self, fake: Sample, real: Sample, weights: Tensor) -> dict[str, Tensor]:
        """Return the ten columns, `[...]` each."""
        x, y = fake.features.double(), real.features.double()
        finite = in_range(fake.features)
        x = x.where(finite[..., None, None], 0.0)
        covariance = torch.atleast_2d(torch.cov(y.mT, correction=0))
        axes = torch.linalg.eigh(covariance).eigenvectors.flip(-1)[:, :AXES]
        spread = covariance.trace().clamp(min=0.0).sqrt()
        unit = spread if spread > 0 else torch.ones_like(spread)
        position = ((x.mean(-2) - y.mean(-2)).unsqueeze(-1) * axes).sum(-2) / unit
        values = {f"position_{i + 1}": along for i, along in enumerate(position.unbind(-1))}
        flat = torch.zeros_like(position[..., 0])
        values |= {f"position_{i + 1}": flat for i in range(len(values), AXES)}
        values["total_spread"] = x.var(-2, correction=0).sum(-1).sqrt() / unit
        values["mode_set"] = self._captured(fake, weights)
        return {name: value.where(finite, torch.nan) for name, value in values.items()}

    def _captured(self, fake: Sample, weights: Tensor) -> Tensor:
        modes = len(weights)
        if not 0 < modes <= MOST_MODES:
            return fake.good.double().sum(-1) + torch.nan
        counts = mode_counts(fake.mode, fake.good, modes)
        bits = captured(counts, self.share * fake.mode.shape[-1] * weights)
        return (bits * 2.0 ** torch.arange(modes, device=counts.device)).sum(-1).double()
