"""What the discriminator answers."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.core.column import Column
from ganbench.core.lazy import Tensor, torch
from ganbench.diagnostics import Diagnostic, Step


@dataclass(frozen=True)
class Logits(Diagnostic):
    """Mean and spread of the logits on real and fake, and the share of each on its side of the loss's midpoint.

    They are those of the discriminator's last minibatch. Accuracy is in [0, 1]. The midpoint is 0 for cross-entropies,
    hinge and where the loss is not known, ½ for least squares (`Loss.midpoint`); Wasserstein and relativistic losses
    have none: there only the difference of the means has a meaning.
    """

    name = "logits"
    source = "Goodfellow et al. 2014, arXiv:1406.2661"
    columns = (
        Column("real_logit_mean", "mean of D(x) over the minibatch", title="Logits", scale="log", curve=True),
        Column("real_logit_std", "standard deviation of D(x) over the minibatch"),
        Column("fake_logit_mean", "mean of D(G(z)) over the minibatch", title="Logits", scale="log", curve=True),
        Column("fake_logit_std", "standard deviation of D(G(z)) over the minibatch"),
        Column("d_accuracy_real", "share of real samples with D(x) above the loss's midpoint"),
        Column("d_accuracy_fake", "share of generated samples with D(G(z)) below the loss's midpoint"),
    )

    def observe(self, step: Step) -> dict[str, Tensor]:
        """Return all six numbers, `[...]`."""
        fake, real = step.d.fake_logits, step.d.real_logits
        if real is None:
            raise ValueError("logits: the discriminator's update has no real logits; pass them to the step")
        midpoint = 0.0 if step.loss is None else step.loss.midpoint
        real_var, real_mean = torch.var_mean(real, dim=-1, correction=0)
        fake_var, fake_mean = torch.var_mean(fake, dim=-1, correction=0)
        return {
            "real_logit_mean": real_mean,
            "real_logit_std": real_var.sqrt(),
            "fake_logit_mean": fake_mean,
            "fake_logit_std": fake_var.sqrt(),
            "d_accuracy_real": (real > midpoint).float().mean(-1),
            "d_accuracy_fake": (fake < midpoint).float().mean(-1),
        }
