"""What a loop hands over at a step, as tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganbench.core.errors import UsageError

Numbers = Tensor | np.ndarray | np.generic | Sequence[object] | float
Samples = Numbers | Mapping[str, object]
Answers = Tensor | np.ndarray | Sequence[object] | Mapping[str, object]  # of one or several discriminators
LOSSES = ("d_loss", "g_loss")
IMAGES = 4  # axes of a batch of images


def tensor_of(name: str, value: object) -> Tensor:
    """Return a tensor, an array, a number or a list of them as a tensor without a graph; a loss as its mean.

    Raises:
        UsageError: it is something else.
    """
    try:
        tensor = _tensor(value)
    except (TypeError, ValueError, RuntimeError) as error:
        several = isinstance(value, list | tuple)
        what = f"a {type(value).__name__} of parts of different sizes" if several else type(value).__name__
        text = f"ganbench.Monitor.step: {name} is {what}; give a tensor, an array or numbers"
        raise UsageError(text) from error
    return tensor.float().mean() if name in LOSSES and tensor.dim() else tensor


def samples_of(name: str, value: object) -> Tensor:
    """Return samples `[n, *shape]` of whatever holds them: of a batch of several parts the first that are samples.

    Numbers `[n]` are samples of one number each. The graph stays.

    Raises:
        UsageError: there are none, or they are of different sizes.
    """
    if not isinstance(value, Tensor) and (several := [part for part in parts_of(value) if _axes(part) > 1]):
        # A list may hold samples that lie apart, a few numbers or one image each, and not the parts of a batch.
        ragged = len({len(part) for part in several}) > 1
        alike = len({np.shape(part) for part in several}) == 1 and _axes(several[0]) < IMAGES
        apart = isinstance(value, list | tuple) and len(several) == len(value) and (ragged or alike)
        value = value if apart else several[0]
    samples = value if isinstance(value, Tensor) else tensor_of(name, value)
    if samples.is_nested or not samples.dim():
        what = "a tensor of samples of different sizes" if samples.is_nested else "one number"
        raise UsageError(f"ganbench.Monitor.step: {name} is {what}; give a tensor [n, …], padded to one size")
    samples = samples if samples.layout is torch.strided else samples.to_dense()
    return samples.unsqueeze(1) if samples.dim() == 1 else samples


def parts_of(value: object) -> list[Any]:
    """Return what lies in a dict, a list, a tuple or a dataclass, and in what lies in it."""
    if is_dataclass(value) and not isinstance(value, type):
        value = [getattr(value, field.name) for field in fields(value)]
    elif isinstance(value, Mapping):
        value = list(value.values())
    if not isinstance(value, list | tuple):
        return []
    return [each for part in value for each in (parts_of(part) or [part])]


def _axes(value: object) -> int:
    return value.ndim if isinstance(value, Tensor | np.ndarray) else 0


def _tensor(value: object) -> Tensor:
    if isinstance(value, Tensor):
        # What was made under inference_mode takes part in no graph, not even in one of the monitor's own.
        return value.detach().clone() if value.is_inference() else value.detach()
    if isinstance(value, list | tuple) and value and isinstance(value[0], Tensor):
        return torch.stack([item.detach() for item in value])
    if isinstance(value, str | bytes | dict) or value is None:
        raise TypeError
    array = np.asarray(value)
    if array.dtype == object:
        raise TypeError
    return torch.as_tensor(array)
