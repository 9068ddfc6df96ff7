"""Whether a player that no optimiser of torch's moves is moved all the same: by hand, or by another library."""

from __future__ import annotations

import torch
from torch import Tensor

from ganbench.monitor.player import Player

FIRST = 4  # steps without an optimiser's; it is looked at behind these, and behind twice as many each time
LOOKS = 2  # in a row that must find other weights: a checkpoint may be loaded once


class ByHand:
    """Compares a player's weights with what they were half as many steps ago.

    Args:
        player: keeps its network weakly.
    """

    def __init__(self, player: Player) -> None:
        self._player, self._moves = player, 0
        self._before: Tensor | None = None

    @property
    def found(self) -> bool:
        """Return whether they move."""
        return self._moves >= LOOKS

    def look(self, unmoved: int) -> bool:
        """Take in for how many steps no optimiser has moved the player; return whether its weights move."""
        if not self.found and unmoved >= FIRST and unmoved & (unmoved - 1) == 0:
            now, before = self._player.sums(), self._before
            if unmoved == FIRST:
                self._moves = 0
            elif before is not None:
                self._moves = 0 if torch.equal(before, now) else self._moves + 1
            self._before = now
        return self.found
