"""Historical averaging."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from ganbench.core.lanes import along
from ganbench.core.lazy import Tensor
from ganbench.core.protocols import Player, StepContext
from ganbench.tricks import Trick


@dataclass(frozen=True)
class HistoricalAveraging(Trick):
    """Add λ‖θ − θ̄‖² to both players' losses, θ̄ the mean of a player's weights after each step so far.

    It acts through the gradient, 2λ(θ − θ̄): the losses that are logged do not hold it.
    """

    name = "historical_averaging"
    group = "update rule"
    source = "Salimans et al. 2016, arXiv:1606.03498, section 3.3"
    addresses = "oscillation: players that orbit each other"
    strength = "weight"
    lanes = ("weight",)

    weight: Annotated[float, Ge(0)] = 1.0

    def gradients(self, player: Player, gradient: Tensor) -> Tensor:
        """Return the gradient with that of the term, `[..., P]`."""
        mean = player.memory.get("historical average")
        if mean is None:
            return gradient
        return gradient + along(2.0 * self.weight, gradient, 1) * (player.flat.detach() - mean)

    def after_step(self, context: StepContext, step: int) -> None:
        """Move each player's mean: θ̄ ← θ̄ + (θ − θ̄) / t."""
        for player in (context.d, context.g):
            mean = player.memory.setdefault("historical average", player.flat.detach().clone())
            mean.lerp_(player.flat.detach(), 1.0 / step)
