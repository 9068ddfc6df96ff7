"""The paths and texts that commands take: what no file or name can be is refused before anything looks for it."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import click

IMPOSSIBLE = {errno.ENAMETOOLONG: "is longer than a path can be", errno.ELOOP: "is a link that leads to itself"}


class GivenPath(click.Path):
    """A path that a user gives; files whose names are not UTF-8 are taken as well."""

    def __init__(self, dir_okay: bool = True) -> None:
        super().__init__(path_type=Path, dir_okay=dir_okay)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401
        """Return the path, or end with what is wrong with it."""
        text = os.fsdecode(value)
        if not text or "\0" in text:
            self.fail(f"{text!r:.60} is no path; give the path of a file or a folder", param, ctx)
        try:
            os.stat(text)
        except OSError as error:
            if error.errno in IMPOSSIBLE:
                self.fail(f"{text[:60]!r} {IMPOSSIBLE[error.errno]}; give another one", param, ctx)
        return super().convert(value, param, ctx)


PATH = GivenPath()
FILE = GivenPath(dir_okay=False)
