"""Pictures: NumPy arrays in zip files that carry no time and are never unpickled."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ganbench.core.errors import GanbenchError

SAMPLES = ("steps", "samples", "real")


def new_archive(file: object) -> zipfile.ZipFile:
    """Return an npz to write into; level 1, because floats hardly get smaller for any price."""
    return zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1)  # type: ignore[arg-type]


def add_arrays(archive: zipfile.ZipFile, arrays: Mapping[str, np.ndarray]) -> None:
    """Add arrays to an npz; the same arrays give the same bytes.

    Raises:
        ValueError: an array holds objects.
    """
    for name, array in arrays.items():
        member = zipfile.ZipInfo(f"{name}.npy")
        member.compress_type = archive.compression
        with archive.open(member, "w", force_zip64=True) as file:
            np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)


def read_samples(path: Path, prefix: str = "") -> dict[str, np.ndarray]:
    """Return `{"steps": [k], "samples": [k, S, n, *shape], "real": [n, *shape]}` of one trial.

    Args:
        path: an npz file.
        prefix: in front of the three names, in the file of a whole run.

    Raises:
        GanbenchError: it is no such file, or holds objects.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[prefix + name] for name in SAMPLES}
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        reason = " ".join((str(error) or type(error).__name__).split())[:120]
        raise GanbenchError(f"{path}: cannot be read ({reason}); move its folder away, run the suite again") from None


def trials_in(path: Path) -> tuple[str, ...]:
    """Return the trials that have pictures in a run's npz.

    Raises:
        OSError: it cannot be opened.
        zipfile.BadZipFile: it is no npz.
    """
    with zipfile.ZipFile(path) as archive:
        return tuple(dict.fromkeys(name.split("/")[0] for name in archive.namelist()))
