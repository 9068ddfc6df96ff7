"""The mode-seeking regulariser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from ganbench.core.facts import TrialFacts
from ganbench.core.lanes import along
from ganbench.core.lazy import Tensor
from ganbench.core.protocols import DiscriminatorView
from ganbench.tricks import Trick

_EPS = 1e-5


@dataclass(frozen=True)
class ModeSeeking(Trick):
    """Add λ / (mean|G(z₁) − G(z₂)| / mean|z₁ − z₂| + 1e-5) to the generator's loss, over both halves of the batch.

    The means are over all numbers of all pairs: a generator that gives the same for different latents pays.
    """

    name = "mode_seeking"
    aliases = ("msgan",)
    group = "generator"
    source = "Mao et al. 2019, arXiv:1903.05628, section 3.2 and the authors' code"
    addresses = "mode collapse: a generator that ignores its latent"
    conflicts = {"changed inputs": "the distances would be those of noisy, augmented or packed samples"}
    strength = "weight"
    lanes = ("weight",)

    weight: Annotated[float, Ge(0)] = 1.0

    def skip(self, trial: TrialFacts) -> str | None:
        """Return why the batch has no two equal halves."""
        return f"a batch of {trial.batch} has no two halves" if trial.batch % 2 else None

    def generator_penalty(self, view: DiscriminatorView) -> Tensor:
        """Return λ / (mean|ΔG| / mean|Δz| + 1e-5), `[...]`."""
        lead = view.fake_logits.dim() - 1
        moved, apart = (_distance(x, lead) for x in (view.fake, view.z))
        return along(self.weight, moved) * (moved / apart + _EPS).reciprocal()


def _distance(x: Tensor, lead: int) -> Tensor:
    """Return the mean absolute difference of the two halves of the batch, `[...]`."""
    first, second = x.chunk(2, dim=lead)
    return (first - second).abs().flatten(lead).mean(-1)
