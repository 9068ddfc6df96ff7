"""Handwritten digits of 28 pixels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganbench.datasets._bytes import resized
from ganbench.datasets._torchvision import DOWNLOAD, TorchvisionImages, torchvision_class

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class MNIST(TorchvisionImages):
    """MNIST: 60,000 grey digits to train on and 10,000 held out, resized from 28 pixels.

    The digits classifier knows 8×8 scans only, so the modes are not known here and features are pixels.
    """

    name = "mnist"
    source = "LeCun et al. 1998, Proceedings of the IEEE 86(11)"
    remedy = DOWNLOAD
    channels = 1

    def open(self, folder: Path, *, held: bool, download: bool) -> Any:  # noqa: ANN401 - torchvision is untyped
        """Return the training split, or the test split as held out."""
        return torchvision_class("MNIST")(folder, train=not held, download=download)

    def pixels(self, images: Any) -> Tensor:  # noqa: ANN401 - torchvision is untyped
        """Return all images at `size`."""
        return resized(images.data.unsqueeze(1), self.size)
