"""Two-sided label smoothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval

from ganbench.core.lazy import torch
from ganbench.core.protocols import Noise, Targets
from ganbench.tricks import Trick


@dataclass(frozen=True)
class TwoSidedLabelSmoothing(Trick):
    """Ask the discriminator for `real` (0.9) on real samples instead of 1 and for `fake` (0.1) on fakes instead of 0.

    Its logit is bounded by ±log(0.9 / 0.1); at p = q the cross-entropy stays at log 4. With a target above 0 on fakes
    the optimal answer peaks at modes of the generator, which one-sided smoothing avoids.
    """

    name = "two_sided_label_smoothing"
    group = "targets"
    source = (
        "Szegedy et al. 2016, arXiv:1512.00567, section 7; on GANs: Salimans et al. 2016, arXiv:1606.03498, section 3.4"
    )
    addresses = "over-confident discriminator"
    traits = ("smoothed targets",)
    conflicts = {
        "no targets": "the loss has no 1/0 targets to smooth",
        "smoothed targets": "the targets are smoothed already, and only the last one counts",
    }

    real: Annotated[float, Interval(gt=0.5, le=1)] = 0.9
    fake: Annotated[float, Interval(ge=0, lt=0.5)] = 0.1

    def targets(self, targets: Targets, shape: torch.Size, noise: Noise) -> Targets:
        """Return the targets with real ones at `real` and fake ones at `fake`."""
        return Targets(self.real, self.fake)
