"""Where the files of data sets lie, and what to say where they are not."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER_VARIABLE = "GANBENCH_DATA"
DOWNLOAD = f"get it: python -m ganbench.datasets {{name}} (or set {FOLDER_VARIABLE} to where it is)"


def data_folder() -> Path:
    """Return where data sets lie: `$GANBENCH_DATA`, else `data` in the user's cache folder."""
    from platformdirs import user_cache_dir

    return Path(os.environ.get(FOLDER_VARIABLE) or Path(user_cache_dir("ganbench")) / "data").expanduser().absolute()
