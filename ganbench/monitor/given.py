"""What a loop hands over at a step, as tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from ganbench.core.errors import UsageError

Numbers = Tensor | np.ndarray | np.generic | Sequence[object] | float
Answers = Tensor | np.ndarray | Sequence[object] | Mapping[str, object]  # of one or several discriminators
LOSSES = ("d_loss", "g_loss")


def tensor_of(name: str, value: object) -> Tensor:
    """Return a tensor, an array, a number or a list of them as a tensor without a graph; a loss as its mean.

    Raises:
        UsageError: it is something else.
    """
    try:
        tensor = _tensor(value)
    except (TypeError, ValueError, RuntimeError) as error:
        text = f"ganbench.Monitor.step: {name} is {type(value).__name__}; give a tensor, an array or numbers"
        raise UsageError(text) from error
    return tensor.float().mean() if name in LOSSES and tensor.dim() else tensor


def _tensor(value: object) -> Tensor:
    if isinstance(value, Tensor):
        return value.detach()
    if isinstance(value, list | tuple) and value and isinstance(value[0], Tensor):
        return torch.stack([item.detach() for item in value])
    if isinstance(value, str | bytes | dict) or value is None:
        raise TypeError
    array = np.asarray(value)
    if array.dtype == object:
        raise TypeError
    return torch.as_tensor(array)
