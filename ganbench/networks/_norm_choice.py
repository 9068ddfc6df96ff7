"""Which normalisation an option means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganbench.networks._norms import BatchNorm, ImageBatchNorm, ImageInstanceNorm, ImageLayerNorm, LayerNorm
from ganbench.networks._virtual import ImageVirtualBatchNorm, VirtualBatchNorm

if TYPE_CHECKING:
    from ganbench.networks._layers import Layer


def point_norm(kind: str, name: str, features: int) -> list[Layer]:
    """Return the normalisation of that kind for points, as no or one layer."""
    kinds = {"batch": BatchNorm, "layer": LayerNorm, "virtual": VirtualBatchNorm}
    return [] if kind == "none" else [kinds[kind](name, features)]


def image_norm(kind: str, name: str, channels: int) -> list[Layer]:
    """Return the normalisation of that kind for packed images, as no or one layer."""
    kinds = {
        "batch": ImageBatchNorm,
        "layer": ImageLayerNorm,
        "instance": ImageInstanceNorm,
        "virtual": ImageVirtualBatchNorm,
    }
    return [] if kind == "none" else [kinds[kind](name, channels)]


def absorbs_bias(kind: str) -> bool:
    """Say whether a norm takes out whatever the layer before it adds to a feature: its bias would be a dead weight."""
    return kind in ("batch", "instance", "virtual")
