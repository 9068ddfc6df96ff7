"""Weights & Biases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ganbench.sinks import package

if TYPE_CHECKING:
    import numpy as np


class WandB:
    """Runs of a Weights & Biases project; `WANDB_MODE=offline` keeps them on this machine.

    Args:
        project: the runs' project.

    Raises:
        UsageError: wandb is not installed.
    """

    place_name = "PROJECT"

    def __init__(self, project: str) -> None:
        self._package, self._project = package("wandb", "'ganbench[wandb]'"), project

    def open(self, name: str, labels: Mapping[str, str]) -> _Writer:
        """Begin a run of the project, beside others that are open."""
        run = self._package.init(project=self._project, name=name, config=dict(labels), reinit="create_new")
        return _Writer(self._package, run)


class _Writer:
    def __init__(self, package: Any, run: Any) -> None:  # noqa: ANN401 - an optional package
        self._package, self._run = package, run

    def write(self, step: int, values: Mapping[str, float]) -> None:
        self._run.log(dict(values), step=step)

    def picture(self, step: int, name: str, picture: np.ndarray) -> None:
        self._run.log({name: self._package.Image(picture)}, step=step)

    def close(self) -> None:
        self._run.finish()
