"""Until which step each seed's losses were finite."""

from __future__ import annotations

import torch
from torch import Tensor

STEPS_AT_ONCE = 64


class FiniteSteps:
    """The last step at which each seed's losses were finite, and whether it is still under way.

    Losses wait until somebody asks, or until there are `STEPS_AT_ONCE` of them: looking at each by itself takes a
    twentieth of a compiled step.

    Args:
        seeds: how many there are.
        device: where their losses are.
    """

    def __init__(self, seeds: int, device: torch.device) -> None:
        self._last = torch.zeros(seeds, dtype=torch.int64, device=device)
        self._alive = torch.ones(seeds, dtype=torch.bool, device=device)
        self._waiting: list[tuple[Tensor, Tensor]] = []

    def add(self, of_d: Tensor, of_g: Tensor) -> None:
        """Take note of both losses `[S]` of the next step; they must not be changed afterwards."""
        self._waiting.append((of_d, of_g))
        if len(self._waiting) == STEPS_AT_ONCE:
            self._look()

    @property
    def alive(self) -> Tensor:
        """Return whether all losses of a seed were finite, `[S]`."""
        self._look()
        return self._alive

    @property
    def last(self) -> Tensor:
        """Return the last step up to which all losses of a seed were finite, `[S]`."""
        self._look()
        return self._last

    def lose(self, lost: Tensor) -> None:
        """Count the seeds in `lost` `[S]` as not finite at the step that was last added."""
        lost = lost & self.alive
        self._last -= lost.long()
        self._alive &= ~lost

    def restore(self, last: Tensor, alive: Tensor) -> None:
        """Go on from what `last` and `alive` were."""
        self._last, self._alive, self._waiting = last, alive, []

    def _look(self) -> None:
        if not self._waiting:
            return
        of_d, of_g = (torch.stack(losses) for losses in zip(*self._waiting, strict=True))
        self._waiting = []
        finite = torch.isfinite(of_d + of_g).cumprod(0) * self._alive  # [steps, S]; 0 from the first that is not
        self._last += finite.sum(0)
        self._alive = finite[-1].bool()
