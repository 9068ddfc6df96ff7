"""The files of a folder that belong together change together: a reader finds all the old ones or all the new ones.

The folder's `manifest.json` has the checksum of each file. New files are first written beside their places, under
names that hold their checksums; then the manifest is replaced, in one step, and the files take their places. A process
that is killed before the manifest is replaced leaves the old files, whole. Killed after it, it leaves new files that
have not all taken their places: a reader finds those under the names that hold their checksums, and whoever writes next
moves them.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ganbench.core.files import new_file, replaced, sync_folder
from ganbench.core.results_files import (
    MOST_BINARY,
    BrokenFileError,
    Checked,
    checksum,
    json_bytes,
    kind_of,
    make_folder,
    open_checked,
    read_json,
    require_file,
)

MANIFEST = "manifest.json"


class NewFiles:
    """The new files of a folder, which take their places when `commit` is called.

    Attributes:
        folder: where. checksums: name → SHA-256 of each file so far.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.checksums: dict[str, str] = {}

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """Open a new file for writing."""
        require_file(self.folder / name)
        beside = self.folder / f".{name}.{secrets.token_hex(4)}.tmp"
        try:
            with new_file(beside) as file:
                yield file
            self.checksums[name] = checksum(beside)
            os.replace(beside, pending(self.folder, name, self.checksums[name]))
        finally:
            beside.unlink(missing_ok=True)

    def write(self, name: str, content: bytes) -> None:
        """Write a new file."""
        with self.open(name) as file:
            file.write(content)

    def keep(self, name: str, known: str) -> None:
        """Let a file stay as it is."""
        self.checksums[name] = known

    def commit(self, about: Mapping[str, object]) -> None:
        """Write the manifest, which makes the new files the folder's, and move them to their places."""
        require_file(self.folder / MANIFEST)
        before = _committed(self.folder)
        sync_folder(self.folder)
        with replaced(self.folder / MANIFEST) as file:
            file.write(json_bytes({**about, "files": self.checksums}, indent=2))
        _settle(self.folder, self.checksums)
        for name in before.keys() - self.checksums.keys():  # no reader opens them any more
            if Path(name).name == name and kind_of(self.folder / name) == "a file":
                (self.folder / name).unlink()


@contextmanager
def new_files(folder: Path) -> Iterator[NewFiles]:
    """Make the folder and write new files into it, one process at a time; without `commit` they are gone afterwards.

    Raises:
        MisplacedError: a link or something else has the folder's name, or a file's.
        OSError: it cannot be written; the old files stay.
    """
    made = kind_of(folder) is None
    make_folder(folder)
    _settle(folder, _committed(folder))
    try:
        yield NewFiles(folder)
    finally:
        with contextlib.suppress(OSError):
            _settle(folder, _committed(folder))  # a new file may be equal to one that is there
        _remove_pending(folder, _committed(folder))
        if made:
            with contextlib.suppress(OSError):  # nothing came into it
                folder.rmdir()


def is_begun(folder: Path) -> bool:
    """Say whether a folder is there and holds nothing but what a process left that was killed before its commit."""
    return kind_of(folder) == "a folder" and all(
        entry.name.startswith(".") and entry.name.endswith((".next", ".tmp")) for entry in folder.iterdir()
    )


def pending(folder: Path, name: str, digest: str) -> Path:
    """Return where a new file lies until it takes its place."""
    return folder / f".{name}.{digest[:16]}.next"


def open_one(
    folder: Path,
    name: str,
    checksums: Mapping[str, str],
    most: int = MOST_BINARY,
    checked: Checked | None = None,
) -> BinaryIO:
    """Open one of a folder's files, which has been held against its checksum.

    Args:
        folder: of the files.
        name: of the file.
        checksums: of the folder's manifest.
        most: bytes that it may have.
        checked: as `open_checked` has it.

    Raises:
        FileNotFoundError: it is not there.
        OSError: it cannot be opened.
        BrokenFileError: it is no regular file, too large, or not what was written.
    """
    digest = checksums.get(name)
    if digest is None:
        raise BrokenFileError("manifest.json does not list it")
    place, waiting = folder / name, pending(folder, name, digest)
    try:
        return open_checked(place, digest, most, checked)
    except (FileNotFoundError, BrokenFileError):
        with contextlib.suppress(FileNotFoundError, BrokenFileError):
            return open_checked(waiting, digest, most, checked)
        return open_checked(place, digest, most, checked)  # it may have come here just now


def is_unfinished(file: Path) -> bool:
    """Return whether a file is one that was never committed, by its name."""
    return file.name.startswith(".") and file.suffix in (".next", ".tmp")


def _committed(folder: Path) -> dict[str, str]:
    """Return the checksums of the folder's manifest; none where there is no manifest that can be read."""
    try:
        files = read_json(folder / MANIFEST).get("files")
    except (OSError, BrokenFileError):
        return {}
    return {str(k): str(v) for k, v in files.items()} if isinstance(files, dict) else {}


def _settle(folder: Path, checksums: Mapping[str, str]) -> None:
    """Move files of the manifest to their places."""
    for name, digest in checksums.items():
        waiting = pending(folder, name, digest)
        if Path(name).name == name and kind_of(waiting) == "a file":
            os.replace(waiting, folder / name)


def _remove_pending(folder: Path, checksums: Mapping[str, str]) -> None:
    """Remove files that are not the manifest's, of this process or of one that was killed."""
    kept = {pending(folder, name, digest) for name, digest in checksums.items()}
    for left in (*folder.glob(".*.next"), *folder.glob(".*.tmp")):
        if left not in kept:
            with contextlib.suppress(OSError):
                left.unlink()
