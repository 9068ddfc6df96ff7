"""L2 decay of the discriminator's weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from ganbench.core.lanes import along
from ganbench.core.lazy import Tensor
from ganbench.core.protocols import DiscriminatorView
from ganbench.tricks import Trick


@dataclass(frozen=True)
class L2Decay(Trick):
    """Add λ/2 Σw² over the discriminator's weights to its loss; biases and scales are left alone.

    It is a term of the loss, so that adaptive optimisers scale it as any other. On a linear discriminator it is R1.
    """

    name = "l2_decay"
    aliases = ("weight_decay", "l2")
    group = "penalty"
    source = "Krogh & Hertz 1991, A simple weight decay can improve generalization, eq. 1"
    addresses = "steep or overfitting discriminator: keeps weights small"
    conflicts = {"spectral norm": "the normalised weights have a fixed size, so there is nothing to decay"}
    strength = "weight"
    lanes = ("weight",)

    weight: Annotated[float, Ge(0)] = 1e-4

    def penalty(self, view: DiscriminatorView) -> Tensor:
        """Return λ/2 Σw², `[...]`."""
        lead = view.real_logits.dim() - 1
        weights = [p.flatten(lead) for name, p in view.params.items() if name.endswith(".weight")]
        return along(0.5 * self.weight, view.real_logits) * sum(
            (w.square().sum(-1) for w in weights), view.real_logits.new_zeros(())
        )
