"""Handwritten digits of 28 pixels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

from annotated_types import Interval

from ganbench.assets.mnist import CLASSES, mnist_files
from ganbench.core.lazy import torch
from ganbench.datasets._torchvision import TorchvisionImages

if TYPE_CHECKING:
    from torchvision import datasets

    from ganbench.datasets._bytes import ByteImages

LEAST_SIZE = 16  # of scans that the classifier was made for


@dataclass(frozen=True)
class DigitScans(TorchvisionImages):
    """MNIST's scans, whose classes are known where the extractor is the classifier with the data set's own name."""

    folder_name = "MNIST"

    def __post_init__(self) -> None:
        """Check that the classifier can see images of this size."""
        if self.extractor == self.name and self.size < LEAST_SIZE:
            raise ValueError(
                f"the extractor {self.name} needs {LEAST_SIZE} pixels; give another size, or extractor: pixels"
            )

    def open(self, folder: Path, *, held: bool, download: bool) -> datasets.MNIST:
        """Return the training split, or the test split as held out."""
        return mnist_files(folder, held=held, download=download)

    def scans(self, *, held: bool) -> datasets.MNIST:
        """Return the files' content, to train on or held out.

        Raises:
            UsageError: the files are missing or broken.
        """
        return cast("datasets.MNIST", self._opened(held=held))


@dataclass(frozen=True)
class MNIST(DigitScans):
    """MNIST: 60,000 grey digits to train on and 10,000 held out, resized from 28 pixels; the ten classes are the modes.

    Its classifier, trained on the same files on first use, gives features and classes; a sample is of high quality
    where it gives its class a probability of at least `confidence`. With another extractor, and at 8 pixels, which are
    too few for the classifier, no modes are known.
    """

    name = "mnist"
    version = 2
    source = "LeCun et al. 1998, Proceedings of the IEEE 86(11)"
    default_extractor = "mnist"
    channels = 1

    extractor: Literal["mnist", "pixels", "inception", "clip", "dinov2", "vgg"] = "mnist"  # pyright: ignore[reportIncompatibleVariableOverride] - read only
    confidence: Annotated[float, Interval(ge=0, lt=1)] = 0.6

    @property
    def modes(self) -> int:
        """Return 10, one per digit, where the classifier tells them apart; else 0."""
        return CLASSES if self.extractor == self.name else 0

    def load(self, device: torch.device) -> ByteImages:
        """Return the scans on a device, as bytes.

        Raises:
            UsageError: the files are missing or broken.
        """
        images = self._bytes(device)
        if not self.modes:
            return images
        labels = self.scans(held=False).targets
        share = labels.bincount(minlength=CLASSES).double() / len(labels)
        images.weights, images.confidence = share.to(device), self.confidence
        return images
