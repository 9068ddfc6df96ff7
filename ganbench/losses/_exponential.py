"""An exponential that float32 can hold, for the f-GANs whose output activations have one."""

from __future__ import annotations

from ganbench.core.lazy import F, Tensor, torch

# e^40 squared still fits into float32: Adam squares gradients.
LARGEST = 40.0


def exponential(x: Tensor) -> Tensor:
    """Return e^x up to x = 40 and its tangent e^40 (1 + x − 40) beyond: finite with a finite, right-signed slope."""
    return torch.exp(x.clamp(max=LARGEST)) * (1.0 + F.relu(x - LARGEST))
