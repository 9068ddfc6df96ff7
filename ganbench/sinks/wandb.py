"""Weights & Biases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganbench.sinks import package


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
        return _Writer(run)


class _Writer:
    def __init__(self, run: Any) -> None:  # noqa: ANN401 - an optional package
        self._run = run

    def write(self, step: int, values: Mapping[str, float]) -> None:
        self._run.log(dict(values), step=step)

    def close(self) -> None:
        self._run.finish()
