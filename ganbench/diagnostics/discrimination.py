"""How well, and how surely, the discriminator tells real from fake."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.core.column import Column
from ganbench.core.lazy import Tensor, torch
from ganbench.diagnostics import Diagnostic, Step
from ganbench.diagnostics._auc import auc

SURE = 10.0  # float32 has no number between sigmoid(17) and 1


@dataclass(frozen=True)
class Discrimination(Diagnostic):
    """The discriminator's AUC P(r > f), and the share of its logits beyond ±10.

    Both are of its last minibatch. The AUC is in [0, 1] and, unlike an accuracy at 0, means the same for every loss:
    ½ cannot tell, 1 with bad samples is an overpowering discriminator. Saturation says how much of it is
    over-confident; for losses without a sigmoid it only says how large the logits are.
    """

    name = "discrimination"
    aliases = ("auc",)
    source = "Fawcett 2006, Pattern Recognition Letters 27(8), section 7; Arjovsky & Bottou 2017, arXiv:1701.04862"
    columns = (
        Column("d_auc", "share of pairs (real, fake) of a minibatch with D(x) > D(G(z)), ties half"),
        Column("logit_saturation", "share of a minibatch's logits, real and fake, with |logit| > 10"),
    )

    def observe(self, step: Step) -> dict[str, Tensor]:
        """Return both numbers, `[...]`."""
        fake, real = step.d.fake_logits, step.d.real_logits
        if real is None:
            raise ValueError("discrimination: the discriminator's update has no real logits; pass them to the step")
        logits = torch.cat((real, fake), dim=-1)
        return {"d_auc": auc(real, fake), "logit_saturation": (logits.abs() > SURE).double().mean(-1)}
