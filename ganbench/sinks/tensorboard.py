"""TensorBoard."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganbench.sinks import package

if TYPE_CHECKING:
    import numpy as np


class TensorBoard:
    """Event files that `tensorboard --logdir FOLDER` shows: a folder a run, a scalar a column.

    Args:
        folder: of all runs.

    Raises:
        UsageError: tensorboardX is not installed.
    """

    place_name = "FOLDER"

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)
        self._package = package("tensorboardX", "'ganbench[tensorboard]'")

    def open(self, name: str, labels: Mapping[str, str]) -> _Writer:
        """Begin a run in a folder of its own."""
        writer = self._package.SummaryWriter(str(self._folder / re.sub(r"[^\w.=-]+", "_", name)))
        writer.add_text("run", "  \n".join(f"{axis}: {label}" for axis, label in labels.items()), 0)
        return _Writer(writer)


class _Writer:
    def __init__(self, writer: Any) -> None:  # noqa: ANN401 - an untyped package
        self._writer = writer

    def write(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def picture(self, step: int, name: str, picture: np.ndarray) -> None:
        self._writer.add_image(name, picture, step, dataformats="HWC")

    def close(self) -> None:
        self._writer.close()
