"""Images made ready once and kept as one file of bytes in the user's cache, which later trials map into memory."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.assets.data_folder import cache_folder
from ganbench.core.files import replaced
from ganbench.core.lazy import numpy, torch

if TYPE_CHECKING:
    from torch import Tensor

Shape = tuple[int, ...]


class UnwritableError(Exception):
    """The cache cannot be written: no room, no right."""


def cache_file(name: str, identity: object) -> Path:
    """Return where images are kept: a name that changes with everything that decides their bytes (as JSON)."""
    digest = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:32]
    return cache_folder() / "images" / f"{name}-{digest}.npy"


def mapped(path: Path, shape: Shape) -> Tensor | None:
    """Return a file's images, mapped and not read, for reading only; None without a whole file of this shape."""
    try:
        images = numpy.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    if images.dtype != numpy.uint8 or images.shape != shape or not images.flags.c_contiguous:
        return None
    with warnings.catch_warnings():
        # A mapping that may be written to would count as memory in full, and torch has no tensor that may not be.
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(images)


def write(path: Path, shape: Shape, chunks: Iterable[Tensor]) -> None:
    """Write images `[n, …]` uint8, chunk after chunk, so that other processes see a whole file or none.

    Raises:
        UnwritableError: there is no room, or no right to write there; what `chunks` raises comes through.
        ValueError: the chunks are not of this shape together.
    """
    rows, source = 0, iter(chunks)
    reading = False  # errors of the files that are read are OSErrors as well
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replaced(path) as file:
            numpy.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
            while True:
                reading = True
                chunk = next(source, None)
                reading = False
                if chunk is None:
                    break
                if chunk.dtype != torch.uint8 or chunk.shape[1:] != shape[1:]:
                    raise ValueError(f"images of shape {tuple(chunk.shape[1:])} and not {shape[1:]}")
                rows += len(chunk)
                file.write(chunk.contiguous().numpy().data)
            if rows != shape[0]:
                raise ValueError(f"{rows} images and not {shape[0]}")
    except OSError as error:
        if reading:
            raise
        raise UnwritableError(str(error)) from error
