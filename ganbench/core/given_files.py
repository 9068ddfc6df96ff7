"""Reads and writes files that a user names: a suite, a component, an XML report.

They may be pipes, as the shell's `<(command)` and `>(command)` are. A pipe with nobody at its other end would be waited
for without end, so it is refused.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

NOT_WAITING = getattr(os, "O_NONBLOCK", 0)
NOBODY = "nobody is at the other end of this pipe"


def read_given(path: Path, most: int) -> bytes:
    """Return a file's content, of which no more than `most` + 1 bytes are read.

    Raises:
        OSError: it cannot be read; a pipe that nobody writes to is one of these.
        ValueError: no file can have that name.
    """
    descriptor = os.open(path, os.O_RDONLY | NOT_WAITING | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        content = file.read(1)  # None where somebody is there who has written nothing yet
        if content == b"" and path.is_fifo():
            raise OSError(errno.ENXIO, NOBODY)
        if NOT_WAITING:
            os.set_blocking(descriptor, True)
        content = content or b""
        while len(content) <= most and (piece := file.read(most + 1 - len(content))):
            content += piece
    return content


def write_given(path: Path, text: str, *, append: bool = False) -> None:
    """Write a text to a file, or to its end.

    Raises:
        OSError: it cannot be written; a pipe that nobody reads is one of these.
        ValueError: no file can have that name.
    """
    flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if append else os.O_TRUNC) | NOT_WAITING
    try:
        descriptor = os.open(path, flags, 0o666)
    except OSError as error:
        if error.errno == errno.ENXIO and path.is_fifo():
            raise OSError(errno.ENXIO, NOBODY) from None
        raise
    if NOT_WAITING:
        os.set_blocking(descriptor, True)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
