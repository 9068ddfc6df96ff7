"""Reads files that anybody may have changed since they were written.

Only regular files are opened, none larger than it may be, and none is used before it was held against its checksum.

Every file that ganbench reads back was written with the SHA-256 of its content. A JSON file has it in its field
`checksum`; a binary file has it in its first line (`with_checksum`), or in the manifest beside it (`core/file_set.py`).
A file that may lie where another one of its kind belongs also says whose it is: a whole file of somebody else is no
better than a damaged one.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Mapping
from io import BufferedReader
from pathlib import Path
from typing import Any

from ganbench.core.errors import UsageError

Json = dict[str, Any]  # a mapping as JSON and YAML have it
Checked = dict[str, tuple[int, ...]]  # checksum → the file that had it, by place, size and times

MOST_JSON = 64 << 20
MOST_BINARY = 4 << 30
_MAGIC = b"ganbench sha256 "
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class BrokenFileError(ValueError):
    """A file is no regular file, too large, truncated or altered; the text says which, without the file's name."""


class MisplacedError(UsageError):
    """A link, a pipe or a folder has the name of a file of ganbench, or the other way round."""

    def __init__(self, path: Path, kind: str, expected: str) -> None:
        super().__init__(f"{path}: is {kind} where ganbench keeps {expected}; move it away")


def kind_of(path: Path) -> str | None:
    """Return `"a file"`, `"a folder"`, `"a link"` or `"a special file"`; None where nothing is there."""
    try:
        mode = os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    named = {"a link": stat.S_ISLNK, "a folder": stat.S_ISDIR, "a file": stat.S_ISREG}
    return next((kind for kind, test in named.items() if test(mode)), "a special file")


def require_file(path: Path) -> None:
    """Raise where something that is no regular file has a file's name.

    Raises:
        MisplacedError: with what it is.
    """
    _require(path, "a file")


def require_folder(path: Path) -> None:
    """Raise where something that is no folder has a folder's name; a link to a folder leads somewhere else.

    Raises:
        MisplacedError: with what it is.
    """
    _require(path, "a folder")


def _require(path: Path, expected: str) -> None:
    kind = kind_of(path)
    if kind not in (None, expected):
        raise MisplacedError(path, kind, expected)


def make_folder(path: Path) -> Path:
    """Make a folder below one that is there, and return it.

    Raises:
        MisplacedError: something else has its name.
        OSError: it cannot be made.
    """
    require_folder(path)
    path.mkdir(exist_ok=True)
    return path


def open_file(path: Path, most: int = MOST_BINARY) -> BufferedReader:
    """Open a regular file for reading; neither a link is followed nor a pipe waited for.

    Raises:
        OSError: it cannot be opened.
        BrokenFileError: it is no regular file, or larger than `most` bytes.
    """
    kind = kind_of(path)
    if kind not in (None, "a file"):
        raise BrokenFileError(f"it is {kind}")
    file = os.fdopen(os.open(path, _FLAGS), "rb")
    status = os.fstat(file.fileno())
    if stat.S_ISREG(status.st_mode) and status.st_size <= most:
        return file
    file.close()
    raise BrokenFileError(f"it has {status.st_size:,} bytes, more than the {most:,} that it may have")


def read_bytes(path: Path, most: int = MOST_JSON) -> bytes:
    """Return a regular file's content; raises what `open_file` does."""
    with open_file(path, most) as file:
        return file.read(most)


def checksum(path: Path, most: int = MOST_BINARY) -> str:
    """Return the SHA-256 of a regular file's content and its length in bytes; raises what `open_file` does."""
    with open_file(path, most) as file:
        return f"{hashlib.file_digest(file, 'sha256').hexdigest()} {os.fstat(file.fileno()).st_size}"


def open_checked(path: Path, expected: str, most: int = MOST_BINARY, checked: Checked | None = None) -> BufferedReader:
    """Open a file whose `checksum` is known, once all of it has been held against that.

    Args:
        path: of the file.
        expected: its checksum.
        most: bytes that it may have.
        checked: kept by who opens a large file often: checksum → the file that had it, which is read anew only where
            it was written to since.

    Raises:
        OSError: it cannot be opened.
        BrokenFileError: it is no regular file, too large, or not what was written.
    """
    file = open_file(path, most)
    digest, _, size = expected.partition(" ")
    now = os.fstat(file.fileno())
    this = (now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns)
    if checked is not None and checked.get(expected) == this:
        return file
    same_size = size == str(now.st_size)  # before the whole of a file of any length is read
    if same_size and hashlib.file_digest(file, "sha256").hexdigest() == digest:
        file.seek(0)
        if checked is not None:
            checked[expected] = this
        return file
    file.close()
    raise BrokenFileError("truncated or altered: its checksum is another")


def with_checksum(payload: bytes, name: str = "") -> bytes:
    """Return the content of a binary file: a line with its checksum, then the payload.

    Args:
        payload: the content.
        name: of the file, where nothing else in it says whose it is; it goes into the checksum.
    """
    return _MAGIC + _digest(payload, name) + b"\n" + payload


def read_with_checksum(path: Path, name: str = "") -> memoryview:
    """Return the payload of a file that `with_checksum` made, with the same name.

    Raises:
        OSError: it cannot be opened.
        BrokenFileError: it is no such file, or not as it was written.
    """
    content = memoryview(read_bytes(path, MOST_BINARY))
    head = len(_MAGIC) + 65
    if bytes(content[: len(_MAGIC)]) != _MAGIC:
        raise BrokenFileError("it has no checksum: another version wrote it, or it is damaged")
    if _digest(content[head:], name) + b"\n" != bytes(content[len(_MAGIC) : head]):
        other = " (or another file has its name)" if name else ""
        raise BrokenFileError(f"truncated or altered: its checksum is another{other}")
    return content[head:]


def _digest(payload: bytes | memoryview, name: str) -> bytes:
    found = hashlib.sha256(name.encode())
    found.update(payload)
    return found.hexdigest().encode()


def json_bytes(data: Mapping[str, object], indent: int | None = None) -> bytes:
    """Return a JSON file's content with the checksum of its data."""
    plain = {name: value for name, value in json.loads(json.dumps(dict(data))).items() if name != "checksum"}
    sealed = {**plain, "checksum": _json_checksum(plain)}
    try:
        return json.dumps(sealed, ensure_ascii=False, indent=indent).encode() + b"\n"
    except UnicodeEncodeError:  # a lone surrogate, which only an escape can say
        return json.dumps(sealed, indent=indent).encode() + b"\n"


def parse_json(content: bytes) -> Json:
    """Return the data of what `json_bytes` made, without its checksum.

    Raises:
        BrokenFileError: it is no such content, or not as it was written.
    """
    try:
        data = json.loads(content)
        if not isinstance(data, dict):
            raise BrokenFileError("it is no JSON mapping")
        given = data.pop("checksum", None)
        if given is None:
            raise BrokenFileError("it has no checksum: another version wrote it, or it was edited")
        if given != _json_checksum(data):
            raise BrokenFileError("truncated or altered: its checksum is another")
    except BrokenFileError:
        raise
    except (ValueError, RecursionError):
        raise BrokenFileError("it is no JSON, or a damaged one") from None
    return data


def read_json(path: Path) -> Json:
    """Return the data of a JSON file.

    Raises:
        OSError: it cannot be opened.
        BrokenFileError: it is no regular file, too large, no JSON, or not as it was written.
    """
    return parse_json(read_bytes(path, MOST_JSON))


def set_aside(path: Path, quarantine: Path) -> Path | None:
    """Move a broken file or folder into `quarantine` under a name that is free; None where somebody else was faster.

    Raises:
        MisplacedError: something that is no folder has that name.
        OSError: it cannot be moved.
    """
    make_folder(quarantine)
    for number in range(1, 1_000_000):
        kept = quarantine / f"{path.stem}-{number}{path.suffix}"
        if os.path.lexists(kept):
            continue
        try:
            os.rename(path, kept)
        except FileNotFoundError:
            return None
        except OSError:
            if not os.path.lexists(kept):
                raise
            continue  # taken in between
        return kept
    raise OSError(f"{quarantine} is full")


def _json_checksum(data: Mapping[str, object]) -> str:
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
