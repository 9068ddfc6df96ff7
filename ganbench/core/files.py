"""Files that are either whole or not there, and a full or closed disk in one line."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ganbench.core.errors import GanbenchError


class StoreError(GanbenchError, OSError):
    """The results folder cannot be read or written. It is an OSError as well: `errno` tells why."""

    exit_code = 4

    def __init__(self, folder: Path, error: OSError) -> None:
        super().__init__(error.errno, error.strerror or str(error))
        self.folder = folder

    def __str__(self) -> str:
        return (
            f"{self.folder}: {str(self.strerror).lower()}; make room or choose another folder, then run it again: "
            "finished trials are kept"
        )


@contextmanager
def storing(folder: Path) -> Iterator[None]:
    """Turn an OSError of the body into a StoreError that names the folder."""
    try:
        yield
    except StoreError:
        raise
    except OSError as error:
        raise StoreError(folder, error) from error


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Open a new file that is on the disk when the body ends."""
    with open(path, "xb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def replaced(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes the place of `path` when the body ends well; until then the old one stays whole."""
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with new_file(beside) as file:
            yield file
        os.replace(beside, path)
        sync_folder(path.parent)
    finally:
        beside.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder last: a rename is only safe once its folder is on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
