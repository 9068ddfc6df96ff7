"""Pictures: NumPy arrays in zip files that carry no time and are never unpickled."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import prod
from typing import IO, BinaryIO

import numpy as np

from ganbench.core.results_files import BrokenFileError

SAMPLES = ("steps", "samples", "real")
MOST_BYTES = 2 << 30  # of one array: 340 seeds of 64 × 64 pixels
MOST_FILE = 1 << 40  # of an npz, whose arrays are read one at a time
LISTED = 128  # bytes that a member may take in an archive's list of members; ours take 70
FEW = 1000  # trials whose list of members is read whatever the run has
_Header = tuple[tuple[int, ...], np.dtype]


def new_archive(file: object) -> zipfile.ZipFile:
    """Return an npz to write into; level 1, because floats hardly get smaller for any price."""
    return zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1)  # type: ignore[arg-type]


def add_arrays(archive: zipfile.ZipFile, arrays: Mapping[str, np.ndarray]) -> None:
    """Add arrays to an npz; the same arrays give the same bytes.

    Raises:
        ValueError: an array holds objects, or is larger than readers take.
    """
    for name, array in arrays.items():
        if array.nbytes > MOST_BYTES:
            raise ValueError(f"the pictures {name} have {array.nbytes >> 20} MiB, and may have {MOST_BYTES >> 20}")
        member = zipfile.ZipInfo(f"{name}.npy")
        member.compress_type = archive.compression
        with archive.open(member, "w", force_zip64=True) as file:
            np.lib.format.write_array(file, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)


def read_samples(file: BinaryIO, prefix: str = "") -> dict[str, np.ndarray]:
    """Return `{"steps": [k], "samples": [k, S, n, *shape], "real": [n, *shape]}` of one trial.

    Args:
        file: an npz.
        prefix: in front of the three names, in the file of a whole run.

    Raises:
        BrokenFileError: it is no such file, holds objects, or claims more than it may hold.
    """
    with _archive(file) as archive:
        headers = {name: _header_of(archive, prefix + name) for name in SAMPLES}
        _require_shapes({name: shape for name, (shape, _) in headers.items()})
        return {name: _array(archive, prefix + name) for name in SAMPLES}


def require_samples(file: BinaryIO, seeds: int) -> None:
    """Check the headers of one trial's pictures, which are not read.

    Args:
        file: an npz of one trial.
        seeds: S, how many the trial has.

    Raises:
        BrokenFileError: it is no such file, an array is missing or of another shape, or it holds objects.
    """
    with _archive(file, len(SAMPLES)) as archive:
        shapes = {name: _header_of(archive, name)[0] for name in SAMPLES}
    _require_shapes(shapes)
    if shapes["samples"][1] != seeds:
        raise BrokenFileError(f"its pictures are of {shapes['samples'][1]} seeds, and the trial has {seeds}")


def trials_in(file: BinaryIO, trials: int) -> tuple[str, ...]:
    """Return the trials that have pictures in a run's npz.

    Args:
        file: the npz.
        trials: how many the run has.

    Raises:
        BrokenFileError: it is no npz, or holds more than the pictures of so many trials.
    """
    with _archive(file, max(trials, FEW) * len(SAMPLES)) as archive:
        return tuple(dict.fromkeys(name.split("/")[0] for name in archive.namelist()))


@contextmanager
def _archive(file: BinaryIO, most: int | None = None) -> Iterator[zipfile.ZipFile]:
    """Open an npz of at most so many members; what readers of broken files raise becomes a BrokenFileError."""
    try:
        if most is not None:
            _require_few_members(file, most)
        with zipfile.ZipFile(file) as archive:
            yield archive
    except BrokenFileError:
        raise
    except KeyError as error:
        raise BrokenFileError(f"no array {error}") from None
    except (OSError, ValueError, TypeError, EOFError, RuntimeError, MemoryError, SyntaxError) as error:
        raise _broken(error) from None
    except (zipfile.BadZipFile, zlib.error, struct.error, OverflowError) as error:
        raise _broken(error) from None


def _broken(error: Exception) -> BrokenFileError:
    return BrokenFileError(" ".join((str(error) or type(error).__name__).split())[:120])


def _require_few_members(file: BinaryIO, most: int) -> None:
    """Check how long an archive's list of members is, by its last record: reading a long one takes minutes."""
    size = file.seek(0, 2)
    file.seek(max(0, size - 22 - 65_535 - 76))  # the last record, its longest comment, and the two of a large archive
    tail = file.read()
    file.seek(0)
    end = tail.rfind(b"PK\x05\x06")
    if end < 0:
        raise BrokenFileError("it is no npz, or a truncated one")
    (listed,) = struct.unpack_from("<I", tail, end + 12)
    if listed == 0xFFFFFFFF or tail[max(0, end - 20) : end][:4] == b"PK\x06\x07":
        large = tail.rfind(b"PK\x06\x06", 0, end)
        (listed,) = struct.unpack_from("<Q", tail, large + 40) if large >= 0 else (listed,)
    if listed > most * LISTED:
        raise BrokenFileError(f"it lists about {listed // 70:,} arrays, more than the {most:,} that belong there")


def _header(info: zipfile.ZipInfo, member: IO[bytes]) -> _Header:
    """Read an array's header and hold it against the size of the member, before room is made for the array."""
    if np.lib.format.read_magic(member) != (1, 0):
        raise BrokenFileError(f"{info.filename}: another format of arrays")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(member)
    if dtype.hasobject or dtype.kind not in "iuf" or fortran:
        raise BrokenFileError(f"{info.filename}: an array of {dtype}, and it holds numbers alone")
    size = prod(shape) * dtype.itemsize
    if size > MOST_BYTES:
        raise BrokenFileError(f"{info.filename}: claims {size >> 20:,} MiB, and may have {MOST_BYTES >> 20:,}")
    if member.tell() + size != info.file_size:
        raise BrokenFileError(f"{info.filename}: claims {size:,} bytes, and has {info.file_size:,}")
    return shape, dtype


def _header_of(archive: zipfile.ZipFile, name: str) -> _Header:
    info = archive.getinfo(f"{name}.npy")
    with archive.open(info) as member:
        return _header(info, member)


def _array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    info = archive.getinfo(f"{name}.npy")
    with archive.open(info) as member:
        shape, dtype = _header(info, member)
        return np.frombuffer(bytearray(member.read()), dtype).reshape(
            shape
        )  # a bytearray, so that it can be written to


def _require_shapes(shapes: Mapping[str, tuple[int, ...]]) -> None:
    steps, samples, real = (shapes[name] for name in SAMPLES)
    if len(steps) != 1 or len(samples) < 3 or samples[0] != steps[0] or not real:
        raise BrokenFileError(f"its arrays do not fit together: steps {steps}, samples {samples}, real {real}")
