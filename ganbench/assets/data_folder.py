"""Where the files of data sets and the caches lie, and how to get a data set that is missing."""

from __future__ import annotations

import os
from pathlib import Path

from ganbench.core import arguments
from ganbench.core.errors import UsageError

FOLDER_VARIABLE = "GANBENCH_DATA"
DOWNLOAD = f"get it: ganbench data get {{name}} (or set {FOLDER_VARIABLE} to where it is)"


def cache_folder() -> Path:
    """Return this package's folder in the user's cache."""
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("ganbench"))


def data_folder() -> Path:
    """Return where data sets lie: `$GANBENCH_DATA`, else `data` in the user's cache folder.

    Raises:
        UsageError: the variable names a user who does not exist, or what no folder can be called.
    """
    named = os.environ.get(FOLDER_VARIABLE)
    if not named:
        return cache_folder() / "data"
    return arguments.path(FOLDER_VARIABLE, str(expanded(named, FOLDER_VARIABLE))).absolute()


def expanded(path: str, place: str) -> Path:
    """Return a path whose `~` or `~user` is that user's home folder.

    Args:
        path: as the user wrote it.
        place: where it was written, for an error.

    Raises:
        UsageError: there is no such user.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise UsageError(f"{place}: {path}: there is no such user; write the folder's whole path") from None
