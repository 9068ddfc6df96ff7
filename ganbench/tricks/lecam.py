"""LeCam regularisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Interval

from ganbench.core.lanes import along
from ganbench.core.lazy import Tensor, torch
from ganbench.core.protocols import DiscriminatorView
from ganbench.tricks import Trick


@dataclass(frozen=True)
class LeCam(Trick):
    """Add λ (E(r − α_f)² + E(f − α_r)²) to the discriminator's loss, α_r and α_f moving averages of its mean logits.

    α ← decay · α + (1 − decay) · mean, from the first batch's mean on. The term is off for the first `warm_up` steps,
    while the averages settle. This is the paper's term; the authors' code keeps only r above α_f and f below α_r.
    """

    name = "lecam"
    aliases = ("lecam_gan",)
    group = "penalty"
    source = "Tseng et al. 2021, arXiv:2104.03310, eq. 3-5"
    addresses = "discriminator that overfits few data"
    strength = "weight"
    lanes = ("weight",)
    compiles = False  # it keeps averages

    weight: Annotated[float, Ge(0)] = 0.3
    decay: Annotated[float, Interval(ge=0, lt=1)] = 0.99
    warm_up: Annotated[int, Ge(0)] = 1000

    def penalty(self, view: DiscriminatorView) -> Tensor:
        """Return λ (E(r − α_f)² + E(f − α_r)²), 0 during the warm-up, `[...]`."""
        anchors = []
        for side, logits in (("real", view.real_logits), ("fake", view.fake_logits)):
            mean = logits.detach().mean(-1)
            kept = view.memory.get(f"lecam {side}")
            view.memory[f"lecam {side}"] = mean if kept is None else torch.lerp(mean, kept, self.decay)
            anchors.append(view.memory[f"lecam {side}"].unsqueeze(-1))
        on_real = (view.real_logits - anchors[1]).square().mean(-1)
        on_fake = (view.fake_logits - anchors[0]).square().mean(-1)
        return (along(self.weight, on_real) if view.step >= self.warm_up else 0.0) * (on_real + on_fake)
