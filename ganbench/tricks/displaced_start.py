"""A generator that starts away from where it would."""

from __future__ import annotations

from dataclasses import dataclass

from ganbench.core.errors import UsageError
from ganbench.core.lazy import torch
from ganbench.core.protocols import StepContext
from ganbench.tricks import Trick


@dataclass(frozen=True)
class DisplacedStart(Trick):
    """Adds `by` to every number of the generator's last bias before the first step: samples start away from the data.

    For generators that end in a layer with a bias; behind a tanh, as for images, it saturates them. Meant for studying
    distributions without common support. A generator whose last parameter is no bias is an error.
    """

    name = "displaced_start"
    source = "Arjovsky & Bottou 2017, arXiv:1701.04862, section 2.1: supports that do not meet"
    addresses = "nothing: it plants a failure to study, a gradient that vanishes"
    conflicts = {"no last bias": "its generator ends in no bias that could be moved; take another network, as mlp"}

    by: float = 8.0

    def before_step(self, context: StepContext) -> None:
        """Move the generator before the first step."""
        if context.progress > 0:
            return
        last = list(context.g.params)[-1]
        if not last.endswith("bias"):
            raise UsageError(
                f"displaced_start: the generator ends in {last}, no bias; take a network that ends in one, as mlp"
            )
        with torch.no_grad():
            context.g.params[last].add_(self.by)
