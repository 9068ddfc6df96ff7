"""Turns what a trainer logged into the tables of a part."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch

from ganbench.core.column import Column
from ganbench.core.environment import stamp
from ganbench.core.status import Status
from ganbench.tables.part_store import TrialTables

if TYPE_CHECKING:
    from ganbench.training.trainer import Trainer


def tabulate(trainer: Trainer) -> TrialTables:
    """Return the tables of a finished trial; a diverged seed has no row from its divergence on."""
    trial = trainer.trial
    good = trainer.last_finite_step.cpu().numpy()
    diverged = ~trainer.alive.cpu().numpy()
    ids = [f"{trial.key[:12]}-{seed}" for seed in trial.seeds]
    identity = {"trial": trial.key[:12], "run": ids, "seed": list(trial.seeds)}
    end = trainer.stopped.step if trainer.stopped else trial.steps
    last = {i: int(good[i]) if diverged[i] else end for i in range(len(ids))}
    layer_frames = [
        _long(recorder.row, recorder.arrays(), identity, last).assign(network=network, layer=layer)
        for (network, layer), recorder in trainer.layers.items()
    ]
    columns = [
        *(c for m in trainer.evaluator.metrics for c in m.columns),
        *(c for d in trainer.diagnostics for c in (*d.columns, *d.layer_columns)),
    ]
    floors = trainer.evaluator.floor()
    return TrialTables(
        runs=_runs(trainer, identity, diverged, good, floors),
        history=_long(trainer.history.row, trainer.history.arrays(), identity, last),
        layers=pd.concat(layer_frames, ignore_index=True) if layer_frames else pd.DataFrame(identity).iloc[:0],
        samples=_samples(trainer),
        columns={c.name: c for c in [*columns, *(_floor_column(c) for c in columns if c.name in floors)]},
    )


def _long(
    rows: dict[int, int], columns: dict[str, np.ndarray], identity: dict[str, Any], last: dict[int, int]
) -> pd.DataFrame:
    """Return a row a seed and logged step, seeds one after the other, without the rows after a seed's last step."""
    steps = np.array(list(rows))
    frames = [
        pd.DataFrame(
            {
                "run": run,
                "trial": identity["trial"],
                "seed": identity["seed"][i],
                "step": steps,
                **{name: values[:, i] for name, values in columns.items()},
            }
        ).loc[steps <= last[i]]
        for i, run in enumerate(identity["run"])
    ]
    return pd.concat(frames, ignore_index=True)


def _runs(
    trainer: Trainer, identity: dict[str, Any], diverged: np.ndarray, good: np.ndarray, floors: dict[str, float]
) -> pd.DataFrame:
    """Return a row a seed with its metrics at the last evaluation; a diverged seed has none."""
    trial, n = trainer.trial, len(trainer.trial.seeds)
    arrays = trainer.history.arrays()
    stopped = trainer.stopped
    at = trainer.history.row[stopped.step if stopped else trial.steps]
    reasons = [reason or None for reason in (stopped.reasons if stopped else [""] * n)]
    metrics = [c.name for m in trainer.evaluator.metrics for c in m.columns]
    final = {name: np.where(diverged, np.nan, arrays[name][at]) for name in metrics if name in arrays}
    return pd.DataFrame(
        {
            **identity,
            **trial.labels,
            "status": [Status.DIVERGED if bad else Status.OK for bad in diverged],
            "diverged_at": pd.Series(good + 1, dtype="Int64").where(diverged),
            "error": pd.array([None] * n, "string"),
            "steps": trial.steps,
            **final,
            **{f"{name}_floor": floor for name, floor in floors.items()},
            "extractor": trainer.evaluator.extractor_identity,
            "n_real": len(trainer.evaluator.real.points),
            "n_fake": trial.samples,
            "ms_per_step": 1e3 * trainer.train_seconds / max(trainer.step, 1) / n,
            "seconds": trainer.total_seconds / n,
            "stopped_at": pd.array([stopped.step if stopped and reason else None for reason in reasons], "Int64"),
            "stop_reason": pd.array(reasons, "string"),
            "preparation": trainer.evaluator.preparation,
            "versions": json.dumps(trial.versions, sort_keys=True),
            "environment": json.dumps(stamp(_device(trainer.device), torch.get_num_threads()), sort_keys=True),
        }
    )


def _device(device: torch.device) -> str:
    return f"cuda ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else device.type


def _samples(trainer: Trainer) -> dict[str, np.ndarray]:
    """Return the snapshots: points as float16, images as bytes with [-1, 1] → 0…255."""
    steps = sorted(trainer.snapshots)
    real = trainer.evaluator.real.points.cpu().numpy()
    fake = np.stack([trainer.snapshots[s].cpu().numpy() for s in steps]) if steps else np.zeros((0, 0, 0))
    if real.ndim == 4:
        shown = [((np.nan_to_num(x).clip(-1, 1) + 1) * 127.5).round().astype(np.uint8) for x in (fake, real)]
    else:
        shown = [x.clip(-6e4, 6e4).astype(np.float16) for x in (fake, real)]
    keep = fake.shape[2] if steps else 0
    return {"steps": np.array(steps), "samples": shown[0], "real": shown[1][:keep]}


def _floor_column(column: Column) -> Column:
    """Return the column that holds a metric's real-against-real value."""
    return Column(f"{column.name}_floor", f"{column.name} of as many real samples", column.unit, column.direction)
