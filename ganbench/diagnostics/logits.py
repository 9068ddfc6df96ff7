"""What the discriminator answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganbench.core.column import Column
from ganbench.core.lazy import torch
from ganbench.diagnostics import Diagnostic, Step

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Logits(Diagnostic):
    """Mean and spread of the logits on real and fake, and the share of each that the sign of the logit gets right.

    They are those of the discriminator's last minibatch. Accuracy is in [0, 1]; it takes 0 as the border, which
    Wasserstein and relativistic losses do not: there only the difference of the means has a meaning.
    """

    name = "logits"
    source = "Goodfellow et al. 2014, arXiv:1406.2661"
    columns = (
        Column("real_logit_mean", "mean of D(x) over the minibatch", title="Logits", scale="log", curve=True),
        Column("real_logit_std", "standard deviation of D(x) over the minibatch"),
        Column("fake_logit_mean", "mean of D(G(z)) over the minibatch", title="Logits", scale="log", curve=True),
        Column("fake_logit_std", "standard deviation of D(G(z)) over the minibatch"),
        Column("d_accuracy_real", "share of real samples with D(x) > 0"),
        Column("d_accuracy_fake", "share of generated samples with D(G(z)) < 0"),
    )

    def observe(self, step: Step) -> dict[str, Tensor]:
        """Return all six numbers, `[...]`."""
        fake, real = step.d.fake_logits, step.d.real_logits
        if real is None:
            raise ValueError("logits: the discriminator's pass has no real logits; pass them to the step")
        real_var, real_mean = torch.var_mean(real, dim=-1, correction=0)
        fake_var, fake_mean = torch.var_mean(fake, dim=-1, correction=0)
        return {
            "real_logit_mean": real_mean,
            "real_logit_std": real_var.sqrt(),
            "fake_logit_mean": fake_mean,
            "fake_logit_std": fake_var.sqrt(),
            "d_accuracy_real": (real > 0).float().mean(-1),
            "d_accuracy_fake": (fake < 0).float().mean(-1),
        }
