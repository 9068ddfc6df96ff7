"""Small photographs of ten kinds of things."""

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
class CIFAR10(TorchvisionImages):
    """CIFAR-10: 50,000 colour photographs of 32 pixels and 10,000 held out.

    No classifier knows them here: the modes are not known and features are pixels.
    """

    name = "cifar10"
    source = "Krizhevsky 2009, Learning multiple layers of features from tiny images"
    remedy = DOWNLOAD

    def open(self, folder: Path, *, held: bool, download: bool) -> Any:  # noqa: ANN401 - torchvision is untyped
        """Return the training split, or the test split as held out; its pickles are read only if their MD5 is right."""
        return torchvision_class("CIFAR10")(folder, train=not held, download=download)

    def pixels(self, images: Any) -> Tensor:  # noqa: ANN401 - torchvision is untyped
        """Return all images at `size`."""
        return resized(torch.from_numpy(images.data).permute(0, 3, 1, 2), self.size)
