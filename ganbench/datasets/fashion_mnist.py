"""Clothes in the format of MNIST."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganbench.datasets._bytes import resized
from ganbench.datasets._torchvision import DOWNLOAD, TorchvisionImages, torchvision_class

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class FashionMNIST(TorchvisionImages):
    """Fashion-MNIST: 60,000 grey pictures of clothes and 10,000 held out, resized from 28 pixels.

    No classifier knows them here: the modes are not known and features are pixels.
    """

    name = "fashion_mnist"
    source = "Xiao et al. 2017, arXiv:1708.07747"
    remedy = DOWNLOAD
    channels = 1

    def open(self, folder: Path, *, held: bool, download: bool) -> Any:  # noqa: ANN401 - torchvision is untyped
        """Return the training split, or the test split as held out."""
        return torchvision_class("FashionMNIST")(folder, train=not held, download=download)

    def pixels(self, images: Any) -> Tensor:  # noqa: ANN401 - torchvision is untyped
        """Return all images at `size`."""
        return resized(images.data.unsqueeze(1), self.size)
