"""Whether a gradient stands out of the noise of its minibatches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval

from ganbench.core.column import Column
from ganbench.core.lazy import Tensor, torch
from ganbench.diagnostics import Scheduled, Step


@dataclass(frozen=True)
class GradientSnr(Scheduled):
    """Signal-to-noise ratio of each player's gradient over m minibatches: ‖ḡ‖² / [Σ‖g_i − ḡ‖² / (m(m − 1))] − 1.

    The bracket is the variance of the mean ḡ, so the ratio is that of m minibatches together; it is 0 on average where
    there is noise alone, and negative as often as not. At or below 0: nothing tells the player where to go. All
    gradients are taken at the same weights on minibatches of the trial's size. Infinite where minibatches agree; null
    beside an update rule that descends something else than the losses. m gradients of each player.
    """

    name = "gradient_snr"
    source = "McCandlish et al. 2018, arXiv:1812.06162, appendix A.1, for the estimate of both parts"
    requires_fields = ("field",)
    usual = 500
    columns = (
        Column("grad_snr_g", "signal-to-noise ratio of the generator's gradient over m minibatches"),
        Column("grad_snr_d", "signal-to-noise ratio of the discriminator's gradient over m minibatches"),
    )

    minibatches: Annotated[int, Interval(ge=2, le=10_000)] = 8

    def observe(self, step: Step) -> dict[str, Tensor]:
        """Return both ratios, `[...]`."""
        field = step.field
        if field is None:
            raise ValueError("gradient_snr: the game was not kept")
        if field.undefined:
            return {}
        velocities = torch.stack([field.velocity(field.weights, i) for i in range(self.minibatches)])
        of_d, of_g = velocities[..., : field.n_discriminator], velocities[..., field.n_discriminator :]
        return {"grad_snr_g": _ratio(of_g), "grad_snr_d": _ratio(of_d)}


def _ratio(gradients: Tensor) -> Tensor:
    """Return the ratio `[...]` of gradients `[m, ..., P]`."""
    m = len(gradients)
    mean = gradients.mean(0)
    noise = (gradients - mean).square().sum((0, -1)) / (m * (m - 1))
    return mean.square().sum(-1) / noise - 1.0
