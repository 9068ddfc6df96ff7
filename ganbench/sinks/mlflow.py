"""MLflow."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ganbench.sinks import package

if TYPE_CHECKING:
    import numpy as np

MOST_A_CALL = 1000  # metrics that a server takes at once


class MLflow:
    """Runs of an MLflow experiment: a metric a column, a parameter a label.

    Args:
        uri: of the tracking server, or a folder.
        experiment: the runs' experiment; made where it is missing.

    Raises:
        UsageError: mlflow is not installed.
    """

    place_name = "URI"

    def __init__(self, uri: str, experiment: str = "ganbench") -> None:
        self._package = package("mlflow", "'ganbench[mlflow]'")
        self._client = self._package.MlflowClient(tracking_uri=uri)
        self._experiment = experiment

    def open(self, name: str, labels: Mapping[str, str]) -> _Writer:
        """Begin a run of the experiment."""
        known = self._client.get_experiment_by_name(self._experiment)
        place = self._client.create_experiment(self._experiment) if known is None else known.experiment_id
        run = self._client.create_run(place, run_name=name).info.run_id
        for axis, label in labels.items():
            self._client.log_param(run, axis, label)
        return _Writer(self._client, self._package.entities.Metric, run)


class _Writer:
    def __init__(self, client: Any, metric: Any, run: str) -> None:  # noqa: ANN401 - an optional package
        self._client, self._metric, self._run = client, metric, run

    def write(self, step: int, values: Mapping[str, float]) -> None:
        now = int(1000 * time.time())
        # Of other characters a server takes none, and then nothing of the row.
        named = {re.sub(r"[^\w./ -]+", "_", name): value for name, value in values.items()}
        metrics = [self._metric(name, value, now, step) for name, value in named.items()]
        for start in range(0, len(metrics), MOST_A_CALL):
            self._client.log_batch(self._run, metrics=metrics[start : start + MOST_A_CALL])

    def picture(self, step: int, name: str, picture: np.ndarray) -> None:
        self._client.log_image(self._run, picture, key=name, step=step)

    def close(self) -> None:
        self._client.set_terminated(self._run)
