"""Images made ready once and kept as one file of bytes in the user's cache, which later trials map into memory."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import warnings
from collections.abc import Iterable
from math import prod
from pathlib import Path
from typing import BinaryIO

from ganbench.assets.data_folder import cache_folder
from ganbench.core.files import replaced
from ganbench.core.lazy import Tensor, numpy, torch
from ganbench.core.results_files import BrokenFileError, open_file

log = logging.getLogger("ganbench.datasets")

Shape = tuple[int, ...]
MOST_BYTES = 1 << 42
DIGEST = hashlib.sha256().digest_size  # a file's last bytes, behind the images
FORMAT = 2  # of a file, whose digest covers its name since 2: the images of other pictures are whole as well
_whole: dict[Path, tuple[int, ...]] = {}  # files that this process found whole, as they looked then


class UnwritableError(Exception):
    """The cache cannot be written: no room, no right."""


def cache_file(name: str, identity: object) -> Path:
    """Return where images are kept: a name that changes with everything that decides their bytes (as JSON)."""
    digest = hashlib.sha256(json.dumps([FORMAT, identity]).encode()).hexdigest()[:32]
    return cache_folder() / "images" / f"{name}-{digest}.npy"


def mapped(path: Path, shape: Shape) -> Tensor | None:
    """Return a file's images, mapped and not read, for reading only; None without a whole file of this shape.

    The first time in a process all of it is held against its checksum; a damaged one is reported.
    """
    try:
        with open_file(path, MOST_BYTES) as file:
            _require_whole(path, file, shape)
            images = numpy.memmap(file, numpy.uint8, mode="r", offset=len(_header(shape)), shape=shape)
    except FileNotFoundError:
        return None
    except (OSError, BrokenFileError) as problem:
        log.warning("%s: cannot be used (%s); it is made anew", path, problem)
        return None
    with warnings.catch_warnings():
        # A mapping that may be written to would count as memory in full, and torch has no tensor that may not be.
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(images)


def _require_whole(path: Path, file: BinaryIO, shape: Shape) -> None:
    status = os.fstat(file.fileno())
    looks = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    if status.st_size != len(_header(shape)) + prod(shape) + DIGEST or file.read(len(_header(shape))) != _header(shape):
        raise BrokenFileError("truncated, or of another version or shape")
    if _whole.get(path) == looks:
        return
    digest, left = _begun(path, shape), prod(shape)
    while left and (block := file.read(min(left, 1 << 20))):
        digest.update(block)
        left -= len(block)
    if file.read(DIGEST) != digest.digest():
        raise BrokenFileError("altered, or of other images: its checksum is another")
    _whole[path] = looks


def _begun(path: Path, shape: Shape) -> hashlib._Hash:
    """Return the digest of a file before its images."""
    return hashlib.sha256(path.name.encode() + _header(shape))


def _header(shape: Shape) -> bytes:
    header = io.BytesIO()
    numpy.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return header.getvalue()


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
            digest = _begun(path, shape)
            file.write(_header(shape))
            while True:
                reading = True
                chunk = next(source, None)
                reading = False
                if chunk is None:
                    break
                if chunk.dtype != torch.uint8 or chunk.shape[1:] != shape[1:]:
                    raise ValueError(f"images of shape {tuple(chunk.shape[1:])} and not {shape[1:]}")
                rows += len(chunk)
                content = chunk.contiguous().numpy().data
                digest.update(content)
                file.write(content)
            if rows != shape[0]:
                raise ValueError(f"{rows} images and not {shape[0]}")
            file.write(digest.digest())
    except OSError as error:
        if reading:
            raise
        raise UnwritableError(str(error)) from error
