"""Label flipping."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval

from ganbench.core.facts import TrialFacts
from ganbench.core.lanes import along
from ganbench.core.lazy import torch
from ganbench.core.protocols import Noise, Targets
from ganbench.tricks import Trick


@dataclass(frozen=True)
class LabelFlipping(Trick):
    """Swap each sample's target, real for fake and fake for real, with probability p and independently.

    The optimal discriminator's |logit| is then at most log((1 − p) / p), 2.94 at 0.05. At p = ½ targets say nothing.
    """

    name = "label_flipping"
    group = "targets"
    source = "Chintala et al. 2016, How to Train a GAN (NIPS workshop), tip 6"
    addresses = "over-confident discriminator"
    conflicts = {"no targets": "the loss has no 1/0 targets to flip"}
    strength = "p"
    strongest = 0.5
    lanes = ("p",)

    p: Annotated[float, Interval(ge=0, le=0.5)] = 0.05

    def skip(self, trial: TrialFacts) -> str | None:
        """Return why the flips would be lost: smoothing that is applied after them replaces them."""
        names = [choice.name for choice in trial.tricks]
        later = [name for name in names[names.index(self.name) + 1 :] if name.endswith("label_smoothing")]
        return f"list it after {later[0]}, which would overwrite the flips" if later else None

    def targets(self, targets: Targets, shape: torch.Size, noise: Noise) -> Targets:
        """Return the targets `[..., B]`, each side's swapped for the other's where it is flipped."""
        # One draw for both sides: a stream of its own for each would cost a second look-up for the same law.
        draws = noise.uniform("label flipping", 2, shape[-1])
        on_real, on_fake = (draws < along(self.p, draws, 2)).unbind(-2)
        real, fake = targets.real, targets.fake
        return Targets(torch.where(on_real, fake, real), torch.where(on_fake, real, fake))
