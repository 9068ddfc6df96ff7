"""How far the mode histogram is from equal shares, as the papers on mode collapse report it."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.core.column import Column
from ganbench.core.lazy import Tensor, torch
from ganbench.metrics import Metric, Sample
from ganbench.metrics._sets import judge_each_histogram


@dataclass(frozen=True)
class ModeEvenness(Metric):
    """KL divergence Σ p log(K p) of the histogram p over K modes from equal shares, 0 to log K.

    Over each sample's nearest mode, good or not. Where the data's own shares are equal it is the `mode_kl` of `modes`;
    where they are not, real samples are above 0 too, so read it beside its floor. Of n samples it is about (K − 1)/2n
    too high. Non-finite samples, and data whose modes are not known, make it NaN.
    """

    name = "mode_evenness"
    source = "Metz et al. 2017, arXiv:1611.02163, section 3.3.1; Srivastava et al. 2017, arXiv:1705.07761, section 4.2"
    columns = (
        Column(
            "mode_kl_even",
            "KL divergence of the histogram over nearest modes from equal shares",
            "nat",
            "lower",
            low=0.0,
        ),
    )

    def compute(self, fake: Sample, real: Sample, weights: Tensor) -> dict[str, Tensor]:
        """Return the divergence of each leading index, `[...]`."""
        modes = len(weights)
        return judge_each_histogram(fake, modes, ["mode_kl_even"], lambda p: [torch.xlogy(p, modes * p).sum()])
