"""Top-k training of the generator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Interval

from ganbench.core.lazy import Tensor
from ganbench.core.protocols import DiscriminatorView
from ganbench.tricks import Trick


@dataclass(frozen=True)
class TopK(Trick):
    """Let the generator learn from the k fakes alone that the discriminator finds most real.

    k falls from the whole batch: k = max(γ^⌊t / epoch⌋, floor) · B, rounded. Endless data have no epochs, so `epoch`
    says how many steps count as one.
    """

    name = "top_k"
    aliases = ("topk",)
    group = "generator"
    source = "Sinha et al. 2020, arXiv:2002.06224, algorithm 1 and section 4"
    addresses = "generator that is pulled away from the data by its worst samples"
    compiles = False  # k depends on the step

    gamma: Annotated[float, Interval(gt=0, le=1)] = 0.99
    floor: Annotated[float, Interval(gt=0, le=1)] = 0.5
    epoch: Annotated[int, Ge(1)] = 1000

    def generator_logits(
        self, fake: Tensor, real: Tensor | None, view: DiscriminatorView
    ) -> tuple[Tensor, Tensor | None]:
        """Return the k largest fake logits `[..., k]`, and as many real ones."""
        share = max(self.gamma ** (view.step // self.epoch), self.floor)
        k = max(1, round(share * fake.shape[-1]))
        return fake.topk(k, dim=-1).values, None if real is None else real[..., :k]
