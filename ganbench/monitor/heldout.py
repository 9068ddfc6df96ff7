"""Whether the real samples that training uses and those that were given as `data=` are prepared alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ganbench.monitor.ranges import ends_of, shown

if TYPE_CHECKING:
    from ganbench.monitor.findings import Findings

LOOKS, FEWEST = 5, 16  # minibatches, and samples on either side
OFF = 0.25  # of the wider range, that an end of the other is off by
# Standard errors that two means are apart by: one that chance reaches in one of 10⁸ pairs.
APART = 6.0


class Heldout:
    """Compares the first real minibatches with the samples that were given as data.

    Args:
        findings: takes the sentence.

    Attributes:
        decided: whether nothing is left to look at.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings, self.decided = findings, False
        self._ends: list[tuple[float, float]] = []
        self._numbers: list[Tensor] = []

    def look(self, step: int, real: Tensor, data: Tensor | None) -> None:
        """Look at a minibatch `[B, *shape]` beside the data `[n, *shape]`."""
        if self.decided:
            return
        if (
            data is None
            or real.dim() < 3
            or real.is_complex()
            or real.shape[1:] != data.shape[1:]
            or len(data) < FEWEST
        ):
            self.decided = True
            return
        self._ends.append(ends_of(real))
        self._numbers.append(_numbers(real))
        if len(self._ends) < LOOKS:
            return
        self.decided, numbers, others = True, torch.cat(self._numbers), _numbers(data)
        self._numbers = []
        if len(numbers) < FEWEST:
            return
        low, high = min(low for low, _ in self._ends), max(high for _, high in self._ends)
        least, most = ends_of(data)
        width = max(high - low, most - least)
        if max(abs(low - least), abs(high - most)) > OFF * width and bool((_apart(numbers, others)[:2] > APART).any()):
            self._findings.say(
                step,
                "data",
                f"the samples of data= lie in {shown(least, most)}, and those of real= in {shown(low, high)}: give "
                "both by the same transform, else what is compared with data= says nothing",
            )
        elif real.dim() == 4 and real.shape[1] == 3 and _exchanged(numbers[:, 2], others[:, 2]):
            self._findings.say(
                step,
                "data",
                "the colours of data= differ from those of real=: red and blue are exchanged (OpenCV reads BGR); give "
                "both in one order",
            )


def _numbers(samples: Tensor) -> Tensor:
    """Return of each sample `[n, *shape]` its mean, its deviation, and how much redder than blue it is, `[n, 3]`."""
    samples = samples.detach().float()
    flat = samples.flatten(1)
    redder = samples[:, 0].flatten(1).mean(1) - samples[:, -1].flatten(1).mean(1)
    return torch.stack((flat.mean(1), flat.std(1), redder), 1).cpu()


def _apart(one: Tensor, other: Tensor) -> Tensor:
    """Return by how many standard errors the means of two samples `[n, k]` differ (Welch), `[k]`."""
    error = (one.var(0) / len(one) + other.var(0) / len(other)).sqrt()
    return (one.mean(0) - other.mean(0)).abs() / error.clamp_min(1e-12)


def _exchanged(one: Tensor, other: Tensor) -> bool:
    """Say whether the means of both are not 0, and of different signs."""
    means = [float(x.mean()) / max(float(x.std()) / len(x) ** 0.5, 1e-12) for x in (one, other)]
    return min(abs(mean) for mean in means) > APART and means[0] * means[1] < 0
