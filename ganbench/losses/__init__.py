"""Loss functions: one file each; a file's presence registers it."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ganbench.core.component import Component
from ganbench.core.protocols import HARD, Targets

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Loss(Component):
    """A pair of losses on logits `[..., B] → [...]`; leading axes (seeds) are carried through untouched.

    A loss with a state of its own defines `stateful_discriminator(memory, real, fake)` as well, which training calls
    in the place of `discriminator`; `memory` is a dictionary of tensors `[...]` that goes into checkpoints.

    Attributes:
        optimum: the discriminator's loss where generated and real data agree and it can do no better.
        requires_real: the generator's loss looks at real logits, so its step draws a fresh real batch.
        traits: `("no targets",)` where 1/0 targets have no meaning.
    """

    kind: ClassVar[str] = "loss"
    optimum: ClassVar[float]
    requires_real: ClassVar[bool] = False

    @abstractmethod
    def discriminator(self, real: Tensor, fake: Tensor, targets: Targets = HARD) -> Tensor:
        """Return the discriminator's loss from real and fake logits, `[..., B] → [...]`."""

    @abstractmethod
    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return the generator's loss from fake (and, where `requires_real`, real) logits, `[..., B] → [...]`."""
