"""How steep the discriminator is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganbench.core.column import Column
from ganbench.core.lazy import torch
from ganbench.diagnostics import Diagnostic, Step
from ganbench.diagnostics._slopes import slopes

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class CriticSlope(Diagnostic):
    """Mean ‖∇ₓD‖ at generated and at real samples, and the largest, a lower bound of the Lipschitz constant.

    The second factor of the generator's gradient (see `loss_slope`). Healthy small networks have 0.2 to 1.1; below 1e-3
    the critic is flat and the generator learns nothing, above 1e3 it explodes. Batch norm and spectral norm are in
    evaluation mode. One forward and one backward pass of two minibatches.
    """

    name = "critic_slope"
    source = "Gulrajani et al. 2017, arXiv:1704.00028, section 4"
    requires_fields = ("probe",)
    columns = (
        Column("critic_slope_fake", "mean ‖∇ₓD‖ at generated samples", title="Slope of the discriminator", scale="log"),
        Column("critic_slope_real", "mean ‖∇ₓD‖ at training samples"),
        Column("critic_slope_max", "largest ‖∇ₓD‖ at either: a lower bound of the Lipschitz constant"),
    )

    def observe(self, step: Step) -> dict[str, Tensor]:
        """Return the three slopes, `[...]`."""
        if step.probe is None:
            raise ValueError("critic_slope: the networks were not kept")
        fake, real = (slopes(step.probe, x) for x in (step.probe.fake, step.probe.real))
        return {
            "critic_slope_fake": fake.mean(-1),
            "critic_slope_real": real.mean(-1),
            "critic_slope_max": torch.maximum(fake.amax(-1), real.amax(-1)),
        }
