"""How steep the discriminator is."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.core.column import Column
from ganbench.core.lazy import Tensor, torch
from ganbench.diagnostics import Diagnostic, Step
from ganbench.diagnostics._slopes import slopes


@dataclass(frozen=True)
class CriticSlope(Diagnostic):
    """Mean ‖∇ₓD‖ at generated and at real samples, and the largest, a lower bound of the Lipschitz constant.

    The second factor of the generator's gradient (see `loss_slope`). A slope is per unit of the samples; `critic_rise`
    is without units: the slope at generated samples times √(E‖x − y‖²), the distance from a generated sample to a real
    one, is how far the logit would rise on the way. Batch norm and spectral norm are in evaluation mode. One forward
    and one backward pass of two minibatches.
    """

    name = "critic_slope"
    version = 2
    source = "Gulrajani et al. 2017, arXiv:1704.00028, section 4"
    requires_fields = ("probe",)
    columns = (
        Column("critic_slope_fake", "mean ‖∇ₓD‖ at generated samples", title="Slope of the discriminator", scale="log"),
        Column("critic_slope_real", "mean ‖∇ₓD‖ at training samples"),
        Column("critic_slope_max", "largest ‖∇ₓD‖ at either: a lower bound of the Lipschitz constant"),
        Column(
            "critic_rise",
            "mean ‖∇ₓD‖ at generated samples times the distance from them to real ones",
            title="Rise of the discriminator",
            scale="log",
        ),
    )

    def observe(self, step: Step) -> dict[str, Tensor]:
        """Return the three slopes and the rise, `[...]`."""
        if step.probe is None:
            raise ValueError("critic_slope: the networks were not kept")
        fake, real = (slopes(step.probe, x) for x in (step.probe.fake, step.probe.real))
        return {
            "critic_slope_fake": fake.mean(-1),
            "critic_slope_real": real.mean(-1),
            "critic_slope_max": torch.maximum(fake.amax(-1), real.amax(-1)),
            "critic_rise": fake.mean(-1) * _distance(step.probe.fake, step.probe.real, fake.dim()),
        }


def _distance(x: Tensor, y: Tensor, rank: int) -> Tensor:
    """Return √(E‖x − y‖²) over all pairs of samples `[..., N, *sample]`, `[...]`: √(tr Σ_x + tr Σ_y + ‖m_x − m_y‖²)."""
    x, y = x.flatten(rank).double(), y.flatten(rank).double()
    spread = x.var(-2, correction=0).sum(-1) + y.var(-2, correction=0).sum(-1)
    return (spread + (x.mean(-2) - y.mean(-2)).square().sum(-1)).sqrt()
