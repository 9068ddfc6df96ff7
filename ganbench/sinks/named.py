"""The trackers by the name that `--sink` gives them."""

from __future__ import annotations

from ganbench.core.errors import UsageError, unknown
from ganbench.sinks import Sink
from ganbench.sinks.mlflow import MLflow
from ganbench.sinks.tensorboard import TensorBoard
from ganbench.sinks.wandb import WandB

TRACKERS = {"tensorboard": TensorBoard, "mlflow": MLflow, "wandb": WandB}


def sink_of(text: str) -> Sink:
    """Return the sink that `tensorboard:FOLDER`, `mlflow:URI` or `wandb:PROJECT` names.

    Raises:
        UsageError: no tracker has that name, or the part behind the colon is missing.
    """
    kind, _, rest = text.partition(":")
    if kind not in TRACKERS:
        raise UsageError(f"--sink {text}: {unknown('tracker', kind, TRACKERS)}")
    tracker = TRACKERS[kind]
    if not rest:
        raise UsageError(f"--sink {text}: where to is missing; write {kind}:{tracker.place_name}")
    return tracker(rest)
