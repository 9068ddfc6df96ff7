"""Files that are either whole or not there, locks, and a full or closed disk in one line."""

from __future__ import annotations

import errno
import glob
import os
import secrets
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ganbench.core.errors import INCOMPLETE, GanbenchError, UsageError
from ganbench.core.results_files import MisplacedError, require_file

ABANDONED = 86400.0  # seconds since its last change after which a half written file is of a process that was killed


class StoreError(GanbenchError, OSError):
    """The results folder cannot be read or written. It is an OSError as well: `errno` tells why."""

    exit_code = INCOMPLETE

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
def new_file(path: Path, *, durable: bool = True) -> Iterator[BinaryIO]:
    """Open a new file; a durable one is on the disk when the body ends."""
    with open(path, "xb") as file:
        yield file
        file.flush()
        if durable:
            os.fsync(file.fileno())


@contextmanager
def replaced(path: Path, *, durable: bool = True) -> Iterator[BinaryIO]:
    """Open a file that takes the place of `path` when the body ends well; until then the old one stays whole.

    Args:
        path: the file; its folder must be there.
        durable: whether the new file has to survive a power cut (that costs a write to the disk).

    Raises:
        OSError: it cannot be written; nothing is left beside the old file.
    """
    _remove_abandoned(path)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")  # several processes may write the same file
    try:
        with new_file(beside, durable=durable) as file:
            yield file
        os.replace(beside, path)
        if durable:
            sync_folder(path.parent)
    finally:
        beside.unlink(missing_ok=True)


def _remove_abandoned(path: Path) -> None:
    """Remove what killed processes have half written in the place of a file: of images that may be gigabytes."""
    oldest = time.time() - ABANDONED
    for left in path.parent.glob(f".{glob.escape(path.name)}.????????.tmp"):
        with suppress(OSError):
            if left.lstat().st_mtime < oldest:
                left.unlink()


def sync_folder(folder: Path) -> None:
    """Make the names in a folder last: a rename is only safe once its folder is on the disk. No-op on Windows."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def try_lock(path: Path) -> Iterator[bool]:
    """Yield whether this process now holds the lock of a file; the system drops the lock of a process that died.

    Where a file system has no locks, a file that is there is one; who died is known by what it holds.

    Raises:
        MisplacedError: a link or something else has the file's name, or another file has it as a second one.
        UsageError: a file system without locks has such a file, which holds nothing.
        OSError: the file cannot be opened.
    """
    from filelock import FileLock, SoftFileLock, Timeout

    require_file(path)
    _require_lock(path)
    lock = FileLock(path)
    try:
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # that it takes the other kind
            lock.acquire(blocking=False)
    except NotImplementedError as error:  # of older versions of filelock
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK)) from error
    except Timeout:
        if isinstance(lock, SoftFileLock) and path.is_file() and not path.stat().st_size:
            raise UsageError(
                f"{path}: this file system has no locks, and nothing says whose this one is, which a copied folder "
                "brings along; remove it if no other command uses the folder"
            ) from None
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _require_lock(path: Path) -> None:
    """Raise where a lock's name is a second one of a file that holds something: some versions of filelock empty it."""
    with suppress(FileNotFoundError):
        status = os.lstat(path)
        if status.st_nlink > 1 and status.st_size:
            raise MisplacedError(path, "a second name of another file", "a lock")
