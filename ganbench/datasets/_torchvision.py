"""Data sets that torchvision reads: where their files are, what to do if they are missing, how they become bytes."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from ganbench.assets.data_folder import DOWNLOAD, data_folder
from ganbench.assets.fidelity import import_torchvision
from ganbench.core.errors import UsageError, reason
from ganbench.core.lazy import Tensor, numpy, torch
from ganbench.datasets import Dataset
from ganbench.datasets._bytes import CHUNK, ByteImages, resized
from ganbench.datasets._cache import UnwritableError, cache_file, mapped, write

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch.utils.data import Subset
    from torchvision.datasets import VisionDataset

    from ganbench.datasets import Data

    Pictures: TypeAlias = VisionDataset | Subset[tuple[Image, int]]

MEMORY_VARIABLE = "GANBENCH_IMAGE_MIB"
RECIPE = 2  # goes up when the same picture becomes other bytes


@dataclass(frozen=True)
class TorchvisionImages(Dataset):
    """Images that lie on this machine, cut to a square and resized to `size` pixels; no classifier knows their modes.

    Attributes:
        channels: 1 for grey, 3 for colour.
        channels_last: whether the colours are the last axis of the images that torchvision keeps in memory.
        torchvision_name: of the class in `torchvision.datasets`.
        named_splits: whether that class calls its parts `split="train"` and `"test"`, and not `train=True`.
        remedy: how to get the files; `{name}` is the data set, `{folder}` is where the files belong.
        folder_name: of the folder below the data folder that torchvision looks into.
        one_by_one: whether each picture is a file; reading takes so long that the bytes are kept in the user's cache.
        dequantise: what training adds to real images: nothing, or uniform noise of the width of one of the 256 values
            (Theis et al. 2016, arXiv:1511.01844, section 3.1); evaluation never does.
    """

    traits = ("images",)
    default_extractor = "pixels"
    channels: ClassVar[int] = 3
    channels_last: ClassVar[bool] = False
    torchvision_name: ClassVar[str]
    named_splits: ClassVar[bool] = False
    remedy: ClassVar[str] = DOWNLOAD
    one_by_one: ClassVar[bool] = False
    folder_name: ClassVar[str] = ""

    size: Literal[8, 16, 32, 64] = 32
    extractor: Literal["pixels", "inception", "clip", "dinov2", "vgg"] = "pixels"
    dequantise: Literal["none", "uniform"] = "none"

    @property
    def shape(self) -> tuple[int, ...]:
        """Return (channels, size, size)."""
        return (self.channels, self.size, self.size)

    @property
    def modes(self) -> int:
        """Return 0: without a classifier the mode of a generated image is not known."""
        return 0

    @property
    def preparation(self) -> str:
        """Return how a file's picture becomes an image."""
        noise = "no dequantisation" if self.dequantise == "none" else "uniform dequantisation in training"
        return f"middle square, {self.size} px bilinear antialiased, bytes, x/127.5-1, {noise}"

    @property
    def dequantization_width(self) -> float:
        """Return the width of one of 256 values in [-1, 1] where it is filled with noise, else 0."""
        return 2 / 255 if self.dequantise == "uniform" else 0.0

    def require_files(self) -> None:
        """Check that the files' folder is there, without a look into it.

        Raises:
            UsageError: it is missing.
        """
        folder = self.place / self.folder_name
        if not folder.is_dir():
            remedy = self.remedy.format(name=self.name, folder=data_folder())
            raise UsageError(f"dataset {self.name}: there is no folder {folder}; {remedy}")

    def prepare(self) -> None:
        """Check that the files are there; nothing is downloaded. Pictures are made ready once, for all trials.

        Raises:
            UsageError: they are missing or broken.
        """
        for held in (False, True) if self.one_by_one else (False,):
            opened = self._opened(held=held)
            with self._explained(), contextlib.suppress(UnwritableError):  # trials can do without, or say so
                if self.one_by_one:
                    self._file(opened)

    def load(self, device: torch.device) -> Data:
        """Return the images as bytes: on a device, or streamed to it where they do not fit.

        Raises:
            UsageError: the files are missing or broken.
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

    def open(self, folder: Path, *, held: bool, download: bool) -> Pictures:
        """Return torchvision's data set below `folder`: what is trained on, or what is held out."""
        part = {"split": "test" if held else "train"} if self.named_splits else {"train": not held}
        return torchvision_class(self.torchvision_name)(folder, **part, download=download)

    def pixels(self, images: Pictures, start: int = 0, stop: int | None = None) -> Tensor:
        """Return images `start` to `stop` of what `open` gave, `[n, channels, size, size]` uint8; all by default."""
        rows = range(len(images))[start:stop]
        data = in_memory(images)
        if data is None:
            pictures = (torch.from_numpy(numpy.array(images[i][0].convert("RGB"))) for i in rows)
            return torch.cat([resized(picture.permute(2, 0, 1)[None], self.size) for picture in pictures])
        data = data[rows.start : rows.stop]
        if data.dim() == 3:
            data = data.unsqueeze(1)
        return resized(data.permute(0, 3, 1, 2) if self.channels_last else data, self.size)

    def _opened(self, *, held: bool) -> Pictures:
        with self._explained():
            return self.open(data_folder(), held=held, download=False)

    def _shape(self, images: Pictures) -> tuple[int, ...]:
        return (len(images), *self.shape)

    def _kept(self, images: Pictures, streamed: bool) -> Tensor:
        """Return the images of what `open` gave from their file in the cache, which is made where there is none.

        Raises:
            UsageError: it cannot be made, and the images are too many to do without.
        """
        try:
            kept = self._file(images)
        except UnwritableError as error:
            if not streamed:
                return self.pixels(images)
            raise UsageError(
                f"dataset {self.name}: its images do not fit in memory and cannot be kept in the user's cache "
                f"({error}); make room there, or raise {MEMORY_VARIABLE}"
            ) from error
        return kept if streamed else kept.clone()

    def _file(self, images: Pictures) -> Tensor:
        """Return the images mapped from their file in the cache, which is made where there is no whole one.

        Raises:
            UnwritableError: it cannot be made.
        """
        shape = self._shape(images)
        path = cache_file(self.name, [RECIPE, *versions(), self.size, self.channels, identity(images)])
        kept = mapped(path, shape)
        if kept is None:
            chunks = (self.pixels(images, start, start + CHUNK) for start in range(0, len(images), CHUNK))
            write(path, shape, chunks)
            kept = mapped(path, shape)
        if kept is None:
            raise UnwritableError(f"{path} does not read back as it was written")
        return kept

    @property
    def place(self) -> Path:
        """Return where the files are looked for."""
        return data_folder()

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn an error of the files into a UsageError of one line that names the data set and the remedy."""
        try:
            yield
        except (UsageError, UnwritableError):
            raise
        except Exception as error:  # readers of broken files raise what they like
            raise UsageError(
                f"dataset {self.name}: cannot be read from {self.place} ({reason(error)}); "
                f"{self.remedy.format(name=self.name, folder=data_folder())}"
            ) from error


def memory_budget(device: torch.device) -> float:
    """Return how many bytes of images a trial may hold on a device.

    `$GANBENCH_IMAGE_MIB` sets it in MiB. Without it, it is 1 GiB of the CPU's memory, where trials train side by side
    and streaming costs next to nothing, or half of what is free on a GPU.

    Raises:
        UsageError: the variable is no number of MiB.
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
    """Return the versions of torch and Pillow, which resize and decode pictures."""
    return torch.__version__, importlib.import_module("PIL").__version__


def in_memory(images: Pictures) -> Tensor | None:
    """Return all images of a torchvision data set as bytes; None if they are read picture by picture."""
    data = getattr(images, "data", None)
    return None if data is None else torch.as_tensor(data)


def identity(images: Pictures) -> object:
    """Return a fingerprint of a torchvision data set that JSON can hold: it differs where the images differ.

    It is a hash of images that lie in memory, and the path, size and time of change of each file of others.
    """
    data = in_memory(images)
    if data is not None:
        return hashlib.sha256(data.contiguous().numpy().data).hexdigest()
    status = ((path, path.stat()) for path in files(images))
    return [(str(path), stat.st_size, stat.st_mtime_ns) for path, stat in status]


def files(images: object) -> list[Path]:
    """Return the files of a torchvision data set that is read picture by picture, in its order."""
    if isinstance(images, torch.utils.data.Subset):
        every = files(images.dataset)
        return [every[i] for i in images.indices]
    samples = getattr(images, "samples", None)
    if samples is not None:  # a folder
        return [Path(path) for path, _ in samples]
    root, folder, names = (getattr(images, attribute) for attribute in ("root", "base_folder", "filename"))
    return [Path(root, folder, "img_align_celeba", name) for name in names]  # CelebA


def torchvision_class(name: str) -> Any:  # noqa: ANN401 - a class that only its name tells
    """Return a class of `torchvision.datasets`."""
    import_torchvision()
    return getattr(importlib.import_module("torchvision.datasets"), name)
