"""Where the files of data sets and the caches lie, and how to get a data set that is missing."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER_VARIABLE = "GANBENCH_DATA"
DOWNLOAD = f"get it: python -m ganbench.datasets {{name}} (or set {FOLDER_VARIABLE} to where it is)"


def cache_folder() -> Path:
    """Return this package's folder in the user's cache."""
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("ganbench"))


def data_folder() -> Path:
    """Return where data sets lie: `$GANBENCH_DATA`, else `data` in the user's cache folder."""
    return Path(os.environ.get(FOLDER_VARIABLE) or cache_folder() / "data").expanduser().absolute()
