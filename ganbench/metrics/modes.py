"""Mode coverage and sample quality."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Interval

from ganbench.core.column import Column
from ganbench.core.lazy import Tensor, torch
from ganbench.metrics import Every, Metric, Sample
from ganbench.metrics._sets import captured, in_range, mode_counts, undefined

WIDE = 1 << 14  # numbers in a set from which on sets are worked off one by one, each in the processor's cache
RARE = 1e-3  # share of real samples that may capture fewer modes than is asked of generated ones


@dataclass(frozen=True)
class Modes(Metric):
    """How many modes the generator captures, how good its samples are, and how evenly it spreads over the modes.

    The data set decides which samples are of high quality (within 3σ of a mode; of a certain class). Coverage and
    quality are separate: blurred samples are not collapsed ones. The histogram is over each sample's nearest mode, good
    or not. Non-finite samples, and data whose modes are not known, make every column NaN.
    """

    name = "modes"
    source = "Lin et al. 2018, arXiv:1712.04086, section 4.1; Srivastava et al. 2017, arXiv:1705.07761, section 4.1"
    columns = (
        # Coverage leads a ranking, then quality, then the distance that blends both (fid).
        Column(
            "modes_captured",
            "modes with at least `share` of a fair share of high-quality samples",
            "modes",
            "higher",
            title="Modes captured",
            curve=True,
            leading=1,
            low=0.0,
        ),
        Column("modes_hit", "modes with at least one sample of high quality", "modes", "higher", low=0.0),
        Column(
            "hq_fraction",
            "share of samples of high quality",
            "1",
            "higher",
            title="High quality",
            leading=2,
            low=0.0,
            high=1.0,
        ),
        Column(
            "mode_kl",
            "KL divergence of the histogram over nearest modes from the data's own",
            "nat",
            "lower",
            title="Mode KL",
            low=0.0,
        ),
        Column(
            "spread_ratio",
            "spread of high-quality samples around their mode's mean over that of real ones; NaN without such samples",
        ),
    )

    share: Annotated[float, Interval(gt=0, le=1)] = 0.2
    every: Every = field(default=1, kw_only=True)

    def fewest_of_real(self, n: int, weights: Tensor, quality: float) -> int:
        """Return how many modes all but one in a thousand samples of n real points capture.

        Mode k has Binomial(n, quality · w_k) good ones among them. Counts of modes hold each other back, so as many
        independent ones spread at least as far, and their exact distribution errs on the side of fewer modes.

        Args:
            n: points in a sample.
            weights: of the modes, `[K]`.
            quality: share of real points that are of high quality.

        Example:
            >>> import torch
            >>> Modes().fewest_of_real(1000, torch.full((8,), 1 / 8), 0.99)
            8
            >>> Modes().fewest_of_real(1000, torch.full((900,), 1 / 900), 0.99)  # of 900: a third has no point at all
            555
        """
        import numpy as np
        from scipy.stats import binom

        shares = weights.double().cpu().numpy()
        at_least = np.maximum(1, np.ceil(self.share * n * shares - 1e-6))
        reached = binom.sf(at_least - 1, n, np.clip(quality * shares, 0, 1))
        counts = np.ones(1)
        for p in reached:
            counts = np.convolve(counts, (1 - p, p))
        return int((np.cumsum(counts) <= RARE).sum())

    def compute(self, fake: Sample, real: Sample, weights: Tensor) -> dict[str, Tensor]:
        """Return the five columns, `[...]` each."""
        if len(weights) == 0:
            return undefined(fake.features, [column.name for column in self.columns])
        n, modes = fake.mode.shape[-1], len(weights)
        finite = in_range(fake.features)
        good_counts = mode_counts(fake.mode, fake.good, modes)
        p = mode_counts(fake.mode, None, modes) / n
        real_spread = _spread(real, modes)
        values = {
            "modes_captured": captured(good_counts, self.share * n * weights).sum(-1),
            "modes_hit": (good_counts > 0).sum(-1),
            "hq_fraction": good_counts.sum(-1) / n,
            "mode_kl": (torch.xlogy(p, p) - torch.xlogy(p, weights)).sum(-1),
            "spread_ratio": _spread(fake, modes) / real_spread.where(real_spread > 0, torch.nan),
        }
        return {name: value.double().where(finite, torch.nan) for name, value in values.items()}


def _spread(sample: Sample, modes: int) -> Tensor:
    """Return √(mean squared distance per axis of good samples from their mode's mean), `[..., n, d] → [...]`."""
    x, good, mode = sample.features, sample.good, sample.mode
    lead = x.shape[:-2]
    if x.shape[-2] * x.shape[-1] < WIDE or not lead:
        return _spread_of_sets(x, good, mode, modes)
    sets = zip(x.flatten(0, -3), good.flatten(0, -2), mode.flatten(0, -2), strict=True)
    return torch.stack([_spread_of_sets(*one, modes) for one in sets]).reshape(lead)


def _spread_of_sets(features: Tensor, good: Tensor, mode: Tensor, modes: int) -> Tensor:
    x, weight = features.double(), good.double().unsqueeze(-1)
    index = mode.unsqueeze(-1).expand(x.shape)
    count = mode_counts(mode, good, modes)
    sums = torch.zeros(*x.shape[:-2], modes, x.shape[-1], dtype=x.dtype, device=x.device)
    means = sums.scatter_add_(-2, index, x * weight) / count.clamp(min=1.0).unsqueeze(-1)
    squares = (x - means.gather(-2, index)).square_().mul_(weight).sum((-2, -1))
    # A mode's mean takes one degree of freedom from its samples.
    freedom = (count - 1).clamp(min=0.0).sum(-1) * x.shape[-1]
    return (squares / freedom).sqrt()
