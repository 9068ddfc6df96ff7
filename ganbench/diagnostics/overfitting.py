"""Whether the discriminator knows its training samples by heart."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.core.column import Column
from ganbench.core.lazy import Tensor
from ganbench.diagnostics import Diagnostic, Step
from ganbench.diagnostics._auc import auc


@dataclass(frozen=True)
class Overfitting(Diagnostic):
    """How much of the discriminator's confidence it owes to the very samples it trains on.

    r_v = (D̄_train − D̄_heldout) / (D̄_train − D̄_fake): 0 knows nothing by heart, 1 finds unseen real samples as false
    as generated ones. Where D̄_train and D̄_fake are close it is a quotient of two small numbers, so the gap of the AUCs
    against generated samples, train minus held-out, stands beside it. Trouble: r_v ≥ 0.5 and a gap ≥ 0.1; endless data
    stay below 0.07 and 0.015. Three forward passes.
    """

    name = "overfitting"
    source = "Karras et al. 2020, arXiv:2006.06676, eq. 1"
    requires_fields = ("probe",)
    columns = (
        Column(
            "overfit_ratio",
            "(mean D of training − of held-out samples) / (of training − of generated samples)",
            title="Discriminator overfit",
        ),
        Column(
            "auc_gap",
            "AUC of training against generated samples minus AUC of held-out against them",
            title="Discriminator's AUC gap",
        ),
    )

    def observe(self, step: Step) -> dict[str, Tensor]:
        """Return both numbers, `[...]`."""
        probe = step.probe
        if probe is None:
            raise ValueError("overfitting: the networks were not kept")
        real, heldout, fake = (probe.discriminator(x).double() for x in (probe.real, probe.heldout, probe.fake))
        known = real.mean(-1)
        return {
            "overfit_ratio": (known - heldout.mean(-1)) / (known - fake.mean(-1)),
            "auc_gap": auc(real, fake) - auc(heldout, fake),
        }
