"""Parameters that differ along the seed axis: one number for all lanes, or a tensor with one number for each.

A lane is one place of the seed axis. Under `vary` lanes train side by side whose losses, tricks and optimisers have
other numbers; a component that lists a parameter in its `lanes` may find a float64 tensor `[S]` in it.
"""

from __future__ import annotations

from ganbench.core.lazy import Tensor


def along(value: float | Tensor, like: Tensor, behind: int = 0) -> float | Tensor:
    """Return a parameter so that it combines with tensors that have `behind` axes behind their seed axis.

    A number stays as it is. A tensor `[S]` is rounded to the precision of `like` here and not before: what a component
    computes from its parameters alone is computed in float64, as Python does, so that a lane has the bits of a trial
    that has its number for all seeds.

    Example:
        >>> import torch
        >>> x = torch.ones(2, 3)  # two lanes
        >>> along(0.5, x, behind=1)
        0.5
        >>> (along(torch.tensor([0.5, 2.0]).double(), x, behind=1) * x)[:, 0]
        tensor([0.5000, 2.0000])
    """
    if isinstance(value, (int, float)):
        return value
    return value.to(like.dtype).reshape((*value.shape, *[1] * behind))
