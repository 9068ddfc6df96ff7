"""Packing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge

from ganbench.core.facts import TrialFacts
from ganbench.core.lazy import Tensor
from ganbench.core.protocols import DiscriminatorView
from ganbench.tricks import Trick


@dataclass(frozen=True)
class Packing(Trick):
    """Show the discriminator m samples at once, all real or all fake, side by side along the first axis of a sample.

    One logit D(x₁, …, x_m) for m = 2 or more: points `[B, d]` become `[B/m, m·d]`, images `[B, C, H, W]` become
    `[B/m, m·C, H, W]`. A collapsed generator then gives itself away by m samples that are too alike. A penalty is one
    on the packed sample.
    """

    name = "packing"
    aliases = ("pacgan",)
    group = "inputs"
    source = "Lin et al. 2018, arXiv:1712.04086, section 2"
    addresses = "mode collapse: samples that are too alike give themselves away"
    traits = ("changed inputs",)

    m: Annotated[int, Ge(2)] = 2

    def skip(self, trial: TrialFacts) -> str | None:
        """Return why this batch cannot be packed, or what would see packed samples that means single ones."""
        if trial.batch % self.m:
            return f"a batch of {trial.batch} is not divisible by m = {self.m}"
        names = [choice.name for choice in trial.tricks]
        later = [t for t in trial.tricks[names.index(self.name) + 1 :] if "inputs" in t.build().hooks]
        return f"list it after {later[0].name}, which means single samples" if later else None

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of m samples side by side."""
        return (self.m * shape[0], *shape[1:])

    def inputs(self, x: Tensor, view: DiscriminatorView, side: Literal["real", "fake"]) -> Tensor:
        """Return `[..., B/m, m·d]` of points `[..., B, d]`, `[..., B/m, m·C, H, W]` of images."""
        batch = view.batch_dim
        return x.unflatten(batch, (-1, self.m)).flatten(batch + 1, batch + 2)
