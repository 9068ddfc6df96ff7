"""Images as bytes 0…255 and as numbers -1…1."""

from __future__ import annotations

from ganbench.core.lazy import Tensor, torch


def as_bytes(images: Tensor) -> Tensor:
    """Return numbers -1…1 as uint8 bytes 0…255, rounded; NaN is taken for 0, and what is beyond ±1 for ±1."""
    return ((images.nan_to_num().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


def scaled(images: Tensor) -> Tensor:
    """Return bytes 0…255 as float32 numbers -1…1, without dequantising noise."""
    return images.to(torch.float32, copy=True).div_(127.5).sub_(1)
