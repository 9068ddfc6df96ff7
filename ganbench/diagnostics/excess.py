"""How far the discriminator is from having nothing to say."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.core.column import Column
from ganbench.core.lazy import Tensor
from ganbench.diagnostics import Diagnostic, Step
from ganbench.diagnostics._slopes import loss_unit


@dataclass(frozen=True)
class Excess(Diagnostic):
    """The discriminator's loss minus what it would be if generated and real data agreed.

    It is the loss of its last minibatch, penalties and softened or flipped targets included. Below 0 the discriminator
    tells the two apart. `d_advantage` is without units: the size of the difference over what such logits could make of
    it, min(u √(Δ² + σ²), |optimum|), u the loss's own slope (the largest at logits −1, 0 and 1), Δ between the mean
    logits of real and generated samples, σ their spread (no bound by an optimum of 0). Near 0 the logits say nothing
    about what is real, however large they are. Null where a trick replaces the loss.
    """

    name = "excess"
    version = 2
    source = "Goodfellow et al. 2014, arXiv:1406.2661, theorem 1"
    columns = (
        Column(
            "d_loss_excess",
            "discriminator's loss, penalties included, minus its value at p = q",
            title="Discriminator's excess",
            scale="log",
        ),
        Column(
            "d_advantage",
            "size of d_loss_excess over what logits as far apart could make of it",
            title="Discriminator's advantage",
        ),
    )

    def observe(self, step: Step) -> dict[str, Tensor]:
        """Return both, `[...]`; the share only where the discriminator's update has real logits."""
        if step.loss is None:
            return {}
        excess, real, fake = step.d.loss - step.loss.optimum, step.d.real_logits, step.d.fake_logits
        if real is None:
            return {"d_loss_excess": excess}
        spread = (real.var(-1, correction=0) + fake.var(-1, correction=0)) / 2
        possible = loss_unit(step.loss, "D") * ((real.mean(-1) - fake.mean(-1)).square() + spread).sqrt()
        if step.loss.optimum:
            possible = possible.clamp(max=abs(step.loss.optimum))
        return {"d_loss_excess": excess, "d_advantage": excess.abs() / possible}
