"""A discriminator that trains alone before the game begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval

from ganbench.core.protocols import StepContext
from ganbench.tricks import Trick


@dataclass(frozen=True)
class HeadStart(Trick):
    """The discriminator makes `steps` updates against the generator as it starts, before the first step.

    Where data and samples lie apart it becomes perfect, and a saturating loss leaves the generator no gradient. Meant
    for studying that failure; nothing is gained by it.
    """

    name = "head_start"
    source = "Arjovsky & Bottou 2017, arXiv:1701.04862, section 2.1 and figure 2"
    addresses = "nothing: it plants a failure to study, a gradient that vanishes"

    steps: Annotated[int, Interval(ge=1, le=100_000)] = 100

    def before_step(self, context: StepContext) -> None:
        """Train the discriminator before the first step."""
        if context.progress == 0:
            for _ in range(self.steps):
                context.apply_update(context.d, context.update_of("D"))
