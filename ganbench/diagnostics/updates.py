"""How far an update moves the weights."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.core.column import Column
from ganbench.core.lazy import Tensor
from ganbench.diagnostics import Diagnostic, Step
from ganbench.diagnostics._norms import vector_norm


@dataclass(frozen=True)
class Updates(Diagnostic):
    """Update-to-weight ratio ‖Δw‖ / ‖w‖ of each network; about 1e-3 in healthy training, below 1e-6 nothing moves.

    Infinite where all weights were zero before the update.
    """

    name = "updates"
    source = "Bottou et al. 2018, arXiv:1606.04838; the rule of thumb of 1e-3 is common practice"
    requires_fields = ("before",)
    columns = (
        Column("update_ratio_g", "‖Δw‖ / ‖w‖ of the generator's last update"),
        Column("update_ratio_d", "‖Δw‖ / ‖w‖ of the discriminator's last update"),
    )

    def observe(self, step: Step) -> dict[str, Tensor]:
        """Return both ratios, `[...]`."""
        ratios = {}
        for network, update in (("g", step.g), ("d", step.d)):
            if update.before is None:
                raise ValueError("updates: the weights before the update were not kept")
            moved = vector_norm(update.after - update.before)
            ratios[f"update_ratio_{network}"] = moved / vector_norm(update.before)
        return ratios
