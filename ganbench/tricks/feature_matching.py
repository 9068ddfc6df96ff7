"""Feature matching."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt

from ganbench.core.lanes import along
from ganbench.core.lazy import Tensor
from ganbench.core.protocols import DiscriminatorView
from ganbench.tricks import Trick


@dataclass(frozen=True)
class FeatureMatching(Trick):
    """Let the generator minimise λ‖E h(x) − E h(G(z))‖² instead of its adversarial loss.

    h is the discriminator's last hidden layer; the means are over a fresh real minibatch and the fakes.
    """

    name = "feature_matching"
    aliases = ("fm",)
    version = 2
    group = "generator"
    source = "Salimans et al. 2016, arXiv:1606.03498, section 3.1"
    addresses = "generator that overtrains on the present discriminator"
    requires_real = True
    strength = "weight"
    lanes = ("weight",)

    weight: Annotated[float, Gt(0)] = 1.0

    def generator_loss(self, view: DiscriminatorView) -> Tensor:
        """Return λ‖E h(x) − E h(G(z))‖², `[...]`."""
        apart = view.real_hidden.detach().mean(-2) - view.fake_hidden.mean(-2)
        return along(self.weight, apart) * apart.square().sum(-1)
