"""What several kinds of components share: the players' names, the targets of a loss, the record of an update."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor

PlayerName = Literal["D", "G"]
Side = Literal["real", "fake"]


@dataclass(frozen=True)
class Targets:
    """What the discriminator is asked to answer: 1 for real and 0 for fake unless a trick softens or flips it.

    Each is a number or a tensor that broadcasts against the logits `[..., B]`.
    """

    real: float | Tensor = 1.0
    fake: float | Tensor = 0.0


HARD = Targets()


@dataclass(frozen=True)
class PlayerUpdate:
    """One player's update, as diagnostics read it; every tensor may have leading axes (seeds).

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
