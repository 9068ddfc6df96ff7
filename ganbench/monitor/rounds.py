"""Which of a player's optimiser steps in one step of training is the player's own, and which a regulariser's.

StyleGAN2 takes R1 and path length as optimiser steps of their own every 16 and 4 iterations, behind the player's. Such
a step's gradient is another thing than *the* gradient, and must not stand in its column.
"""

from __future__ import annotations

from collections import defaultdict, deque

from ganbench.core.column import Column

COLUMNS = tuple(
    Column(
        f"regulariser_norm_{player}",
        f"L2 norm of the gradient of a {name} regulariser's own update, such as lazy R1 or path length",
        scale="log",
    )
    for player, name in (("g", "generator"), ("d", "discriminator"))
)
REMEMBERED = 64  # steps of training: the fewest optimiser steps among them are the usual number


class Rounds:
    """Counts the optimiser steps of each player in each step of training."""

    def __init__(self) -> None:
        self._now: dict[tuple[str, int], int] = defaultdict(int)
        self._counts: dict[tuple[str, int], deque[int]] = defaultdict(lambda: deque(maxlen=REMEMBERED))
        self.steps = 0

    def is_extra(self, player: str, optimizer: int) -> bool:
        """Return whether the optimiser has moved the player as often as usual already; False while nothing is usual."""
        counts = self._counts.get((player, optimizer))
        return bool(counts) and self._now[player, optimizer] >= min(counts or (0,))

    def stepped(self, player: str, optimizer: int) -> None:
        """Take in a step of an optimiser, by its id."""
        self._now[player, optimizer] += 1

    def end(self) -> set[str]:
        """End a step of training; return the players whose first step held more optimiser steps than their second.

        The first row may then hold a regulariser's gradient instead of the player's.
        """
        self.steps += 1
        doubtful: set[str] = set()
        for key, count in self._now.items():
            if self.steps == 2 and self._counts[key] and count < self._counts[key][0]:
                doubtful.add(key[0])
            if count:
                self._counts[key].append(count)
        self._now.clear()
        return doubtful
