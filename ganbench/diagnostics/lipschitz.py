"""How steep the discriminator is between the data and the samples."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.core.column import Column
from ganbench.core.lazy import Tensor, torch
from ganbench.diagnostics import Scheduled, Step
from ganbench.diagnostics._slopes import slopes


@dataclass(frozen=True)
class Lipschitz(Scheduled):
    """‖∇ₓD‖ on lines between real and generated samples, and the largest anywhere: Lipschitz' constant is no smaller.

    `critic_slope` looks at both ends; a critic that meets a constraint there may break it in between. A 1-Lipschitz
    critic stays at or below 1, that of WGAN-GP near 1. Pair i of N lies at the share (i + ½)/N of its line. One forward
    and one backward pass of three minibatches.
    """

    name = "lipschitz"
    source = "Gulrajani et al. 2017, arXiv:1704.00028, proposition 1"
    requires_fields = ("probe",)
    usual = 200
    columns = (
        Column("critic_slope_between", "mean ‖∇ₓD‖ on lines between real and generated samples"),
        Column("lipschitz_bound", "largest ‖∇ₓD‖ at real, generated and in-between samples"),
    )

    def observe(self, step: Step) -> dict[str, Tensor]:
        """Return both numbers, `[...]`."""
        probe = step.probe
        if probe is None:
            raise ValueError("lipschitz: the networks were not kept")
        real, fake = probe.real, probe.fake
        lead = probe.discriminator(fake).dim() - 1
        n = min(real.shape[lead], fake.shape[lead])
        share = (torch.arange(n, device=fake.device, dtype=fake.dtype) + 0.5) / n
        share = share.reshape(n, *[1] * (fake.dim() - lead - 1))
        between = slopes(probe, torch.lerp(fake.narrow(lead, 0, n), real.narrow(lead, 0, n), share))
        largest = [slopes(probe, x).amax(-1) for x in (real, fake)]
        return {
            "critic_slope_between": between.mean(-1),
            "lipschitz_bound": torch.stack([between.amax(-1), *largest]).amax(0),
        }
