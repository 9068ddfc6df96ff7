"""Mode coverage and sample quality."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Interval

from ganbench.core.column import Column
from ganbench.core.lazy import F, torch
from ganbench.metrics import Metric, Sample

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Modes(Metric):
    """How many modes the generator captures, how good its samples are, and how evenly it spreads over the modes.

    A sample is of high quality where the data set says so (within 3σ of a mode; a sure class). Coverage and quality
    are apart: blurred samples are not collapsed ones. The histogram is over each sample's nearest mode, good or not.
    Non-finite samples make every column NaN.
    """

    name = "modes"
    source = "Lin et al. 2018, arXiv:1712.04086, section 4.1; Srivastava et al. 2017, arXiv:1705.07761, section 4.1"
    columns = (
        Column(
            "modes_captured", "modes with at least `share` of a fair share of high-quality samples", "modes", "higher"
        ),
        Column("modes_hit", "modes with at least one sample of high quality", "modes", "higher"),
        Column("hq_fraction", "share of samples of high quality", "1", "higher"),
        Column("mode_kl", "KL divergence of the histogram over nearest modes from the data's own", "nat", "lower"),
        Column(
            "spread_ratio",
            "spread of high-quality samples around their mode's mean over that of real ones; NaN without such samples",
        ),
    )

    share: Annotated[float, Interval(gt=0, le=1)] = 0.2

    def compute(self, fake: Sample, real: Sample, weights: Tensor) -> dict[str, Tensor]:
        """Return the five columns, `[...]` each."""
        n, modes = fake.mode.shape[-1], len(weights)
        finite = torch.isfinite(fake.features).flatten(-2).all(-1)
        good_counts = _counts(fake.mode, fake.good, modes)
        p = _counts(fake.mode, None, modes) / n
        values = {
            "modes_captured": (good_counts >= self.share * n * weights).sum(-1),
            "modes_hit": (good_counts > 0).sum(-1),
            "hq_fraction": good_counts.sum(-1) / n,
            "mode_kl": (torch.xlogy(p, p) - torch.xlogy(p, weights)).sum(-1),
            "spread_ratio": _spread(fake, modes) / _spread(real, modes),
        }
        return {name: value.double().where(finite, torch.nan) for name, value in values.items()}


def _counts(mode: Tensor, good: Tensor | None, modes: int) -> Tensor:
    """Return how many (good) samples each mode has, `[..., n] → [..., K]`."""
    weight = torch.ones_like(mode, dtype=torch.float64) if good is None else good.double()
    zeros = torch.zeros(*mode.shape[:-1], modes, dtype=torch.float64, device=mode.device)
    return zeros.scatter_add_(-1, mode, weight)


def _spread(sample: Sample, modes: int) -> Tensor:
    """Return √(mean squared distance an axis of good samples from their own mode's mean), `[..., n, d] → [...]`."""
    x, good = sample.features.double(), sample.good.double()
    one_hot = F.one_hot(sample.mode, modes).double() * good.unsqueeze(-1)
    count = one_hot.sum(-2)
    means = torch.matmul(one_hot.mT, x) / count.clamp(min=1.0).unsqueeze(-1)
    # Σ over the modes of n_k · |mean_k|² is what the means explain of Σ |x|²; the loss of digits that this subtraction
    # costs is harmless at the scale of 1 that all data have, in float64.
    squares = (x.square().sum(-1) * good).sum(-1) - (count * means.square().sum(-1)).sum(-1)
    # A mode's mean takes one degree of freedom from its samples.
    freedom = (count - 1).clamp(min=0.0).sum(-1) * x.shape[-1]
    return (squares.clamp(min=0.0) / freedom).sqrt()
