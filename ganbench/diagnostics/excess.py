"""How far the discriminator is from having nothing to say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganbench.core.column import Column
from ganbench.diagnostics import Diagnostic, Step

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Excess(Diagnostic):
    """The discriminator's loss minus what it would be if generated and real data agreed.

    It is the loss of its last minibatch, penalties and softened or flipped targets included. Below 0 the discriminator
    tells the two apart; about 0, with a flat critic, it has nothing to say. Null where a trick replaces the loss.
    """

    name = "excess"
    source = "Goodfellow et al. 2014, arXiv:1406.2661, theorem 1"
    columns = (
        Column(
            "d_loss_excess",
            "discriminator's loss, penalties included, minus its value at p = q",
            title="Discriminator's excess",
            scale="log",
        ),
    )

    def observe(self, step: Step) -> dict[str, Tensor]:
        """Return the difference, `[...]`."""
        return {} if step.loss is None else {"d_loss_excess": step.d.loss - step.loss.optimum}
