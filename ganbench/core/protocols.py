"""Small things that several kinds of components speak of: targets, random numbers, what an update leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Targets:
    """What the discriminator is asked to answer: 1 for real and 0 for fake unless a trick softens or flips it.

    Each is a number or a tensor that broadcasts against the logits `[..., B]`.
    """

    real: float | Tensor = 1.0
    fake: float | Tensor = 0.0


HARD = Targets()


class Noise(Protocol):
    """Random numbers of the current step from named streams, with the leading axes (seeds) in front."""

    def normal(self, name: str, *shape: int) -> Tensor:
        """Return standard normal numbers `[..., *shape]`."""
        ...

    def uniform(self, name: str, *shape: int) -> Tensor:
        """Return uniform numbers in [0, 1), `[..., *shape]`."""
        ...


@dataclass(frozen=True)
class PlayerUpdate:
    """What one player's update leaves for reading; every tensor may have leading axes (seeds).

    Attributes:
        loss: `[...]`, penalties included.
        real_logits, fake_logits: `[..., B]`; real is None where the loss did not look at real samples.
        gradient: of all weights, `[..., P]`, before clipping. views: names the parameters of such a tensor.
        before, after: all weights around the update; `before` is None unless a diagnostic asked for it.
    """

    loss: Tensor
    real_logits: Tensor | None
    fake_logits: Tensor
    gradient: Tensor
    views: Callable[[Tensor], Mapping[str, Tensor]]
    after: Tensor
    before: Tensor | None
