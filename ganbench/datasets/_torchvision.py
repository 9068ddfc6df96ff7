"""Data sets that torchvision reads: where their files are, what to say where they are not, how they become bytes."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import importlib
import math
import os
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ganbench.assets.data_folder import DOWNLOAD, FOLDER_VARIABLE, data_folder
from ganbench.assets.fidelity import import_torchvision
from ganbench.core.errors import UsageError
from ganbench.core.lazy import numpy, torch
from ganbench.datasets import Dataset
from ganbench.datasets._bytes import CHUNK, ByteImages, resized
from ganbench.datasets._cache import UnwritableError, cache_file, mapped, write

if TYPE_CHECKING:
    from torch import Tensor

    from ganbench.datasets import Data


__all__ = [
    "DOWNLOAD",
    "FOLDER_VARIABLE",
    "MEMORY_VARIABLE",
    "TorchvisionImages",
    "data_folder",
    "each_resized",
    "first",
    "torchvision_class",
]

MEMORY_VARIABLE = "GANBENCH_IMAGE_MIB"
RECIPE = 1  # goes up when a picture's bytes come out otherwise


@dataclass(frozen=True)
class TorchvisionImages(Dataset):
    """Images that lie on this machine, cut to a square and resized to `size` pixels; no classifier knows their modes.

    Attributes:
        channels: 1 for grey, 3 for colour.
        remedy: how to get the files; `{folder}` is where they belong.
        one_by_one: each picture is a file, which takes so long to read that the bytes are kept in the user's cache.
        dequantise: what training adds to real images: nothing, or uniform noise of the width of one of the 256 values
            (Theis et al. 2016, arXiv:1511.01844, section 3.1); evaluation never does.
    """

    traits = ("images",)
    default_extractor = "pixels"
    channels: ClassVar[int] = 3
    remedy: ClassVar[str]
    one_by_one: ClassVar[bool] = False

    size: Literal[8, 16, 32, 64] = 32
    extractor: Literal["pixels", "inception", "clip", "dinov2", "vgg"] = "pixels"
    dequantise: Literal["none", "uniform"] = "none"

    @property
    def shape(self) -> tuple[int, ...]:
        """Return (channels, size, size)."""
        return (self.channels, self.size, self.size)

    @property
    def modes(self) -> int:
        """Return 0: without a classifier nobody can say which mode a generated image is of."""
        return 0

    @property
    def preparation(self) -> str:
        """Return what becomes of a file's picture."""
        noise = "no dequantisation" if self.dequantise == "none" else "uniform dequantisation in training"
        return f"middle square, {self.size} px bilinear antialiased, bytes, x/127.5-1, {noise}"

    @property
    def dequantization_width(self) -> float:
        """Return the width of one of 256 values in [-1, 1] where it is filled with noise, else 0."""
        return 2 / 255 if self.dequantise == "uniform" else 0.0

    def prepare(self) -> None:
        """Look whether the files are there; nothing is downloaded. Pictures are made ready once, for all trials.

        Raises:
            UsageError: they are not, or they are broken.
        """
        for held in (False, True) if self.one_by_one else (False,):
            opened = self._opened(held=held)
            with self._explained(), contextlib.suppress(UnwritableError):  # trials can do without, or say so
                if self.one_by_one:
                    self._file(opened)

    def load(self, device: torch.device) -> Data:
        """Return the images as bytes: on a device, or streamed to it where they do not fit.

        Raises:
            UsageError: the files are not there, or they are broken.
        """
        return self._bytes(device)

    def _bytes(self, device: torch.device) -> ByteImages:
        both = [self._opened(held=held) for held in (False, True)]
        streamed = sum(math.prod(self._shape(images)) for images in both) > memory_budget(device)
        with self._explained():
            if streamed or self.one_by_one:
                train, held = (self._kept(images, streamed) for images in both)
            else:
                train, held = (self.pixels(images) for images in both)
        return ByteImages(train, held, device, streamed)

    @abstractmethod
    def open(self, folder: Path, *, held: bool, download: bool) -> Any:  # noqa: ANN401 - torchvision is untyped
        """Return torchvision's data set below `folder`: what is trained on, or what is held out."""

    @abstractmethod
    def pixels(self, images: Any) -> Tensor:  # noqa: ANN401 - torchvision is untyped
        """Return the images of what `open` gave, `[N, channels, size, size]` uint8."""

    def _opened(self, *, held: bool) -> Any:  # noqa: ANN401 - torchvision is untyped
        with self._explained():
            return self.open(data_folder(), held=held, download=False)

    def _shape(self, images: Any) -> tuple[int, ...]:  # noqa: ANN401 - torchvision is untyped
        return (len(images), *self.shape)

    def _kept(self, images: Any, streamed: bool) -> Tensor:  # noqa: ANN401 - torchvision is untyped
        """Return the images of what `open` gave from their file in the cache, which is made where there is none.

        Raises:
            UsageError: it cannot be made, and the images are too many to do without.
        """
        try:
            found = self._file(images)
        except UnwritableError as error:
            if not streamed:
                return self.pixels(images)
            raise UsageError(
                f"dataset {self.name}: its images do not fit in memory and cannot be kept in the user's cache "
                f"({error}); make room there, or raise {MEMORY_VARIABLE}"
            ) from error
        return found if streamed else found.clone()

    def _file(self, images: Any) -> Tensor:  # noqa: ANN401 - torchvision is untyped
        """Return the images mapped from their file in the cache, which is made where there is no whole one.

        Raises:
            UnwritableError: it cannot be made.
        """
        shape = self._shape(images)
        path = cache_file(self.name, [RECIPE, *versions(), self.size, self.channels, identity(images)])
        found = mapped(path, shape)
        if found is None:
            parts = (some(images, start, start + CHUNK) for start in range(0, len(images), CHUNK))
            write(path, shape, map(self.pixels, parts))
            found = mapped(path, shape)
        if found is None:
            raise UnwritableError(f"{path} is not what was written to it")
        return found

    @property
    def place(self) -> Path:
        """Return where the files are looked for."""
        return data_folder()

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Say what whatever raises here is about, in one line."""
        try:
            yield
        except (UsageError, UnwritableError):
            raise
        except Exception as error:  # readers of broken files raise what they like
            reason = " ".join(str(error).split()) or type(error).__name__
            raise UsageError(
                f"dataset {self.name}: cannot be read from {self.place} ({reason}); "
                f"{self.remedy.format(name=self.name, folder=data_folder())}"
            ) from error


def memory_budget(device: torch.device) -> float:
    """Return how many bytes of images a trial may hold on a device.

    `$GANBENCH_IMAGE_MIB` says so in MiB. Without it, it is 1 GiB of the CPU's memory, where trials train side by side
    and streaming costs next to nothing, or half of what is free on a GPU.

    Raises:
        UsageError: it is no such number.
    """
    text = os.environ.get(MEMORY_VARIABLE)
    if not text:
        return torch.cuda.mem_get_info(device)[0] / 2 if device.type == "cuda" else 2**30
    try:
        mebibytes = float(text)
    except ValueError:
        mebibytes = math.nan
    if not mebibytes >= 0:
        raise UsageError(f"{MEMORY_VARIABLE}={text!r} is no number of MiB; give one, such as 1024")
    return mebibytes * 2**20


def versions() -> tuple[str, str]:
    """Return the versions of what decodes and resizes pictures."""
    return torch.__version__, importlib.import_module("PIL").__version__


def some(images: Any, start: int, stop: int) -> Any:  # noqa: ANN401 - torchvision is untyped
    """Return a part of a torchvision data set, whether it lies in memory as `data` or is read picture by picture."""
    if not hasattr(images, "data"):
        return torch.utils.data.Subset(images, range(start, min(stop, len(images))))
    part = copy.copy(images)
    part.data = images.data[start:stop]
    return part


def identity(images: Any) -> Any:  # noqa: ANN401 - torchvision is untyped, and JSON too
    """Return what tells the content of a torchvision data set apart: a hash of it, or each file's size and time."""
    if hasattr(images, "data"):
        content = images.data.numpy() if hasattr(images.data, "numpy") else images.data
        return hashlib.sha256(numpy.ascontiguousarray(content).data).hexdigest()
    found = ((path, path.stat()) for path in files(images))
    return [(str(path), stat.st_size, stat.st_mtime_ns) for path, stat in found]


def files(images: Any) -> list[Path]:  # noqa: ANN401 - torchvision is untyped
    """Return the files of a torchvision data set that is read picture by picture, in its order."""
    if isinstance(images, torch.utils.data.Subset):
        every = files(images.dataset)
        return [every[i] for i in images.indices]
    if hasattr(images, "samples"):  # a folder
        return [Path(path) for path, _ in images.samples]
    return [Path(images.root, images.base_folder, "img_align_celeba", name) for name in images.filename]


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
