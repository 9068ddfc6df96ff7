"""How much each player could still win."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval

from ganbench.core.column import Column
from ganbench.core.lazy import Tensor
from ganbench.diagnostics import Scheduled, Step


@dataclass(frozen=True)
class DualityGap(Scheduled):
    """max_D′ M(D′, G) − min_G′ M(D, G′), M = −L_D without penalties on held-out data, each after k updates of a copy.

    0 where neither player can gain; large where training is far from an equilibrium, collapsed or circling. k updates
    only estimate both ends, and from below, so compare it between runs of the same k, loss and optimiser; it may be
    slightly negative where the copies do worse on held-out data. D′ descends its own loss, penalties included, G′
    M itself, by the trial's optimiser without moments. Unbounded in k for losses without a constraint on D
    (Wasserstein). Null for losses with a state of their own (BEGAN). k updates of each player.
    """

    name = "duality_gap"
    source = "Grnarova et al. 2019, arXiv:1811.05512, definition 1"
    requires_fields = ("field",)
    columns = (
        Column("duality_gap", "value after the discriminator's best answer minus after the generator's"),
        Column("minimax_value", "value after the discriminator's best answer: how far generated data are"),
    )

    steps: Annotated[int, Interval(ge=1, le=100_000)] = 50

    def observe(self, step: Step) -> dict[str, Tensor]:
        """Return both numbers, `[...]`."""
        if step.field is None:
            raise ValueError("duality_gap: the game was not kept")
        ends = step.field.duality_gap(self.steps)
        return {} if ends is None else {"duality_gap": ends[0] - ends[1], "minimax_value": ends[0]}
