"""Classes of three digits from those of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def triple_probabilities(digits: Tensor) -> Tensor:
    """Return the probabilities `[..., 1000]` of the classes 100a + 10b + c from those of a, b and c, `[..., 3, 10]`."""
    a, b, c = digits.unbind(-2)
    return (a[..., :, None, None] * b[..., None, :, None] * c[..., None, None, :]).flatten(-3)
