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
    """The discriminator's loss minus what it would be if generated and real data agreed; penalties left out.

    It is taken of the logits of its last minibatch, with targets of 1 and 0 whatever tricks ask for. Below 0 the
    discriminator tells the two apart; about 0 it does not, or has not learnt to. Null where a trick replaces the
    generator's loss.
    """

    name = "excess"
    source = "Goodfellow et al. 2014, arXiv:1406.2661, theorem 1"
    columns = (Column("d_loss_excess", "D's loss of its last logits, without penalties, minus its value at p = q"),)

    def observe(self, step: Step) -> dict[str, Tensor]:
        """Return the difference, `[...]`."""
        if step.loss is None or step.d.real_logits is None:
            return {}
        return {"d_loss_excess": step.loss.discriminator(step.d.real_logits, step.d.fake_logits) - step.loss.optimum}
