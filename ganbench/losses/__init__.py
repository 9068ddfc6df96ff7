"""Loss functions: one file each; a file's presence registers it."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from ganbench.core.component import Component
from ganbench.core.lazy import Tensor
from ganbench.core.protocols import HARD, Targets


@dataclass(frozen=True)
class Loss(Component):
    """A pair of losses on logits `[..., B] → [...]`; leading axes (seeds) are carried through untouched.

    A loss with a state of its own overrides `stateful_discriminator` as well.

    Attributes:
        optimum: the discriminator's loss where generated and real data agree and it can do no better.
        requires_real: the generator's loss looks at real logits, so its step draws a fresh real batch.
        zero_sum: the generator minimises −L_D; its own loss leaves out what does not depend on it, E of real logits.
        traits: `("no targets",)` where 1/0 targets have no meaning.
    """

    kind: ClassVar[str] = "loss"
    optimum: ClassVar[float]
    requires_real: ClassVar[bool] = False
    zero_sum: ClassVar[bool] = False

    @property
    def midpoint(self) -> float:
        """Return the logit of what is as likely real as generated: the middle of the v that minimise L_D(v, v).

        0 also where no logit has that meaning, as with the differences that Wasserstein and relativistic losses take.
        """
        return 0.0

    @abstractmethod
    def discriminator(self, real: Tensor, fake: Tensor, targets: Targets = HARD) -> Tensor:
        """Return the discriminator's loss from real and fake logits, `[..., B] → [...]`."""

    @abstractmethod
    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Return the generator's loss from fake (and, where `requires_real`, real) logits, `[..., B] → [...]`."""

    def stateful_discriminator(self, memory: dict[str, Tensor], real: Tensor, fake: Tensor) -> Tensor:
        """Return the discriminator's loss and move the loss's state, `[..., B] → [...]`.

        Where a loss overrides it, training calls it in place of `discriminator`.

        Args:
            memory: the state, tensors `[...]` by name, empty at first; it goes into checkpoints.
            real: logits of real samples.
            fake: logits of generated samples.
        """
        return self.discriminator(real, fake)

    @property
    def is_stateful(self) -> bool:
        """Say whether the loss has a state of its own."""
        return type(self).stateful_discriminator is not Loss.stateful_discriminator
