"""Photographs of 96 pixels, few of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganbench.core.lazy import torch
from ganbench.datasets._bytes import resized
from ganbench.datasets._torchvision import DOWNLOAD, TorchvisionImages, torchvision_class

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class STL10(TorchvisionImages):
    """STL-10: 5,000 colour photographs to train on and 8,000 held out, resized from 96 pixels.

    Its 100,000 unlabelled pictures are not used. No classifier knows any of them here: the modes are not
    known and features are pixels.
    """

    name = "stl10"
    source = "Coates et al. 2011, AISTATS, An analysis of single-layer networks in unsupervised feature learning"
    remedy = DOWNLOAD

    def open(self, folder: Path, *, held: bool, download: bool) -> Any:  # noqa: ANN401 - torchvision is untyped
        """Return the training split, or the test split as held out."""
        return torchvision_class("STL10")(folder, split="test" if held else "train", download=download)

    def pixels(self, images: Any) -> Tensor:  # noqa: ANN401 - torchvision is untyped
        """Return all images at `size`."""
        return resized(torch.from_numpy(images.data), self.size)
