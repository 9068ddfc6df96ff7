"""Handwritten digits of 28 pixels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Interval

from ganbench.assets.mnist import CLASSES, mnist_files
from ganbench.datasets._bytes import resized
from ganbench.datasets._torchvision import DOWNLOAD, TorchvisionImages

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from ganbench.datasets import Data

LEAST_SIZE = 16  # of scans that the classifier was made for


@dataclass(frozen=True)
class MNIST(TorchvisionImages):
    """MNIST: 60,000 grey digits to train on and 10,000 held out, resized from 28 pixels; the ten classes are the modes.

    Its classifier, trained on the same files on first use, gives features and classes; a sample is of high quality
    where it gives its class a probability of at least `confidence`. With another extractor, and at 8 pixels, which are
    too few for the classifier, no modes are known.
    """

    name = "mnist"
    version = 2
    source = "LeCun et al. 1998, Proceedings of the IEEE 86(11)"
    default_extractor = "mnist"
    remedy = DOWNLOAD
    channels = 1

    extractor: Literal["mnist", "pixels", "inception", "clip", "dinov2", "vgg"] = "mnist"  # pyright: ignore[reportIncompatibleVariableOverride] - read only
    confidence: Annotated[float, Interval(ge=0, lt=1)] = 0.6

    def __post_init__(self) -> None:
        """Look whether the extractor can see images of this size."""
        require_size(self.extractor, self.name, self.size)

    @property
    def modes(self) -> int:
        """Return 10, one a digit, where the classifier tells them apart; else 0."""
        return CLASSES if self.extractor == self.name else 0

    def load(self, device: torch.device) -> Data:
        """Return the scans on a device, as bytes.

        Raises:
            UsageError: the files are not there, or they are broken.
        """
        images = self._bytes(device)
        if not self.modes:
            return images
        labels = self._opened(held=False).targets
        share = labels.bincount(minlength=CLASSES).double() / len(labels)
        images.weights, images.confidence = share.to(device), self.confidence
        return images

    def open(self, folder: Path, *, held: bool, download: bool) -> Any:  # noqa: ANN401 - torchvision is untyped
        """Return the training split, or the test split as held out."""
        return mnist_files(folder, held=held, download=download)

    def pixels(self, images: Any) -> Tensor:  # noqa: ANN401 - torchvision is untyped
        """Return all images at `size`."""
        return resized(images.data.unsqueeze(1), self.size)


def require_size(extractor: str, classifier: str, size: int) -> None:
    """Look whether a classifier of MNIST can see images of `size` pixels.

    Raises:
        ValueError: it cannot.
    """
    if extractor == classifier and size < LEAST_SIZE:
        raise ValueError(
            f"the extractor {classifier} needs {LEAST_SIZE} pixels; give another size, or extractor: pixels"
        )
