"""Which gradient an update was made of: the backward pass's before clipping, or what somebody made of it since."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

SAME = 1e-6  # one minus the cosine of two gradients that differ in rounding alone


def as_trained(reached: Sequence[Tensor], at_step: Sequence[Tensor]) -> list[Tensor]:
    """Return the gradients of one optimiser's update, chosen for all of its weights together.

    Those of the backward pass where the optimiser was given them clipped: c · g with 0 < c ≤ 1, or cut at ±v. Else
    those that the optimiser was given: averaged by hand over processes, repaired by `nan_to_num`, with a term added.
    The device is not waited for. Complex numbers come back as two.

    Args:
        reached: when the backward pass had ended.
        at_step: when the optimiser was called, likewise.
    """
    if not reached:
        return []
    reached, at_step = ([_real(a) for a in side] for side in (reached, at_step))
    device = reached[0].device
    dot = _total([(wide(a) * wide(b)).sum() for a, b in zip(reached, at_step, strict=True)], device)
    before, after = (_total([wide(a).square().sum() for a in side], device) for side in (reached, at_step))
    scaled = (dot >= (1 - SAME) * (before * after).sqrt()) & (after > 0) & (after <= before * (1 + SAME))
    top = torch.stack([a.detach().abs().amax().to(device) for a in at_step]).amax()
    cut = _total([_differs(a, b, top.to(a.device)) for a, b in zip(reached, at_step, strict=True)], device) == 0
    clipped = torch.isfinite(before) & (scaled | (cut & (after > 0)) | (before == 0) & (after == 0))
    return [torch.where(clipped.to(a.device), a, b.to(a.dtype)) for a, b in zip(reached, at_step, strict=True)]


def _differs(reached: Tensor, at_step: Tensor, top: Tensor) -> Tensor:
    """Return how many numbers are not those of the other, cut at ±top."""
    other = torch.minimum(torch.maximum(reached, -top.to(reached.dtype)), top.to(reached.dtype))
    return (~torch.isclose(other, at_step.to(other.dtype), rtol=1e-4, atol=0.0)).sum()


def _total(parts: Sequence[Tensor], device: torch.device) -> Tensor:
    return torch.stack([part.to(device) for part in parts]).sum()


def wide(tensor: Tensor) -> Tensor:
    """Return float64 numbers, float32 where the device knows no others."""
    tensor = _real(tensor)
    return tensor.float() if tensor.device.type == "mps" else tensor.double()


def _real(tensor: Tensor) -> Tensor:
    return torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor
