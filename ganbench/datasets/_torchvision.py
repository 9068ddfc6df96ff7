"""Data sets that torchvision reads: where their files are, what to say where they are not, how they become bytes."""

from __future__ import annotations

import importlib
from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ganbench.core.data_folder import DOWNLOAD, FOLDER_VARIABLE, data_folder
from ganbench.core.errors import UsageError
from ganbench.core.fidelity import import_torchvision
from ganbench.core.lazy import numpy, torch
from ganbench.datasets import Dataset
from ganbench.datasets._bytes import ByteImages, resized

if TYPE_CHECKING:
    from torch import Tensor

    from ganbench.datasets import Data

__all__ = [
    "DOWNLOAD",
    "FOLDER_VARIABLE",
    "TorchvisionImages",
    "data_folder",
    "each_resized",
    "first",
    "torchvision_class",
]


@dataclass(frozen=True)
class TorchvisionImages(Dataset):
    """Images that lie on this machine, cut to a square and resized to `size` pixels; no classifier knows their modes.

    Attributes:
        channels: 1 for grey, 3 for colour.
        remedy: how to get the files; `{folder}` is where they belong.
    """

    traits = ("images",)
    features = "pixels"
    channels: ClassVar[int] = 3
    remedy: ClassVar[str]

    size: Literal[8, 16, 32, 64] = 32
    extractor: Literal["pixels", "inception", "clip", "dinov2", "vgg"] = "pixels"

    @property
    def shape(self) -> tuple[int, ...]:
        """Return (channels, size, size)."""
        return (self.channels, self.size, self.size)

    @property
    def modes(self) -> int:
        """Return 0: without a classifier nobody can say which mode a generated image is of."""
        return 0

    def prepare(self) -> None:
        """Look whether the files are there; nothing is downloaded.

        Raises:
            UsageError: they are not, or they are broken.
        """
        self._opened(held=False)

    def load(self, device: torch.device) -> Data:
        """Return the images on a device, as bytes.

        Raises:
            UsageError: the files are not there, or they are broken.
        """
        train, held = (self._opened(held=held) for held in (False, True))
        return ByteImages(self.pixels(train), self.pixels(held), device)

    @abstractmethod
    def open(self, folder: Path, *, held: bool, download: bool) -> Any:  # noqa: ANN401 - torchvision is untyped
        """Return torchvision's data set below `folder`: what is trained on, or what is held out."""

    @abstractmethod
    def pixels(self, images: Any) -> Tensor:  # noqa: ANN401 - torchvision is untyped
        """Return the images of what `open` gave, `[N, channels, size, size]` uint8."""

    def _opened(self, *, held: bool) -> Any:  # noqa: ANN401 - torchvision is untyped
        folder = data_folder()
        try:
            return self.open(folder, held=held, download=False)
        except Exception as error:  # readers of broken files raise what they like
            reason = " ".join(str(error).split()) or type(error).__name__
            raise UsageError(
                f"dataset {self.name}: cannot be read from {folder} ({reason}); "
                f"{self.remedy.format(name=self.name, folder=folder)}"
            ) from error


def torchvision_class(name: str) -> Any:  # noqa: ANN401 - torchvision is untyped
    """Return a class of `torchvision.datasets`."""
    import_torchvision()
    return getattr(importlib.import_module("torchvision.datasets"), name)


def first(images: Any, count: int) -> Any:  # noqa: ANN401 - torchvision is untyped
    """Return the first `count` of a torchvision data set."""
    return torch.utils.data.Subset(images, range(min(count, len(images))))


def each_resized(images: Iterable[tuple[Any, Any]], size: int) -> Tensor:
    """Return pictures of different sizes, one after the other, as `[N, 3, size, size]` uint8."""
    pictures = (numpy.array(picture.convert("RGB")) for picture, _ in images)
    return torch.cat([resized(torch.from_numpy(pixels).permute(2, 0, 1)[None], size) for pixels in pictures])
