"""Both losses."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.core.column import Column
from ganbench.core.lazy import Tensor
from ganbench.diagnostics import Diagnostic, Step


@dataclass(frozen=True)
class Losses(Diagnostic):
    """The losses that the last update of each player descended, penalties included."""

    name = "losses"
    source = "Goodfellow et al. 2014, arXiv:1406.2661"
    columns = (
        Column("d_loss", "discriminator's loss on its last minibatch, penalties included"),
        Column("g_loss", "generator's loss on its last minibatch, penalties included"),
    )

    def observe(self, step: Step) -> dict[str, Tensor]:
        """Return both losses, `[...]`."""
        return {"d_loss": step.d.loss, "g_loss": step.g.loss}
