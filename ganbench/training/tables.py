"""Turns what was logged of a trial, finished or under way, into its tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ganbench.core.column import Column
from ganbench.core.environment import stamp
from ganbench.core.pixels import as_bytes
from ganbench.core.status import Status
from ganbench.diagnostics import Diagnostic
from ganbench.metrics import Metric
from ganbench.tables.part_store import TrialTables
from ganbench.tables.settings import varied, varied_columns
from ganbench.training.evaluation import SampleEvaluator
from ganbench.training.history import History

if TYPE_CHECKING:
    from ganbench.core.trial import Trial
    from ganbench.training.state import TrainingState
    from ganbench.training.stopping import Stopped

LARGEST_POINT = 6e4  # of float16


@dataclass(frozen=True)
class TrialLog:
    """What was logged of a trial; S is 1 where somebody else's training is watched.

    Attributes:
        trial: its identifier. runs, seeds: `[S]`. labels: axis → text. versions: of every component used.
        environment: where it trained, as `made_on` returns it.
        steps: generator updates that the runs were to make, or have made so far where no end is known.
        last_steps: `[S]`, the step after which a seed has no rows.
        diverged_at: `[S]`, None for a seed that did not.
        evaluated_at: the step whose metrics are the runs' results; None where there are no results.
        history, layers: the numbers, the latter by network and layer.
        snapshots: step → samples `[S, n, *shape]`.
        diagnostics, metrics: whose columns these are.
        evaluator: None before there is anything to compare samples with.
        n_fake: samples that an evaluation generates.
        ms_per_step, seconds: of one run.
        facts: further columns of the table of runs. fact_columns: declarations of those that not every table has.
        settings: `[S]`, the number of each run's setting; None where nothing varies.
    """

    trial: str
    runs: Sequence[str]
    seeds: Sequence[int]
    labels: Mapping[str, str]
    versions: Mapping[str, int | str]
    environment: Mapping[str, str | int | None]
    steps: int
    last_steps: Sequence[int]
    diverged_at: Sequence[int | None]
    evaluated_at: int | None
    history: History
    layers: Mapping[tuple[str, str], History]
    snapshots: Mapping[int, Tensor]
    diagnostics: Sequence[Diagnostic]
    metrics: Sequence[Metric]
    evaluator: SampleEvaluator | None
    n_fake: int
    ms_per_step: float
    seconds: float
    facts: Mapping[str, object] = field(default_factory=dict)
    fact_columns: Sequence[Column] = ()
    settings: Sequence[int] | None = None

    @property
    def floors(self) -> dict[str, float]:
        """Return every metric of real samples, as far as they are known."""
        return {} if self.evaluator is None else self.evaluator.floors


def log_of(state: TrainingState) -> TrialLog:
    """Return what a trainer logged of its finished trial; a diverged seed has no row from its divergence on."""
    trial, evaluator, stopped = state.trial, state.evaluator, state.stopped
    n, end = len(trial.lanes), stopped.step if stopped else trial.steps
    last_finite, alive = state.finite.last.tolist(), state.finite.alive.tolist()
    return TrialLog(
        trial=trial.id,
        runs=trial.runs,
        seeds=[lane.seed for lane in trial.lanes],
        labels=trial.labels,
        versions=trial.versions,
        environment={**made_on(state.device), "compiled": state.compiled},
        steps=trial.steps,
        last_steps=[end if ok else last for ok, last in zip(alive, last_finite, strict=True)],
        diverged_at=[None if ok else last + 1 for ok, last in zip(alive, last_finite, strict=True)],
        evaluated_at=end,
        history=state.history,
        layers=state.layers,
        snapshots=state.snapshots,
        diagnostics=state.diagnostics,
        metrics=evaluator.metrics,
        evaluator=evaluator,
        n_fake=trial.samples,
        ms_per_step=1e3 * state.train_seconds / max(state.step, 1) / n,
        seconds=state.total_seconds / n,
        facts={"preparation": evaluator.preparation, **facts_of(trial, stopped)},
        fact_columns=varied_columns(trial),
        settings=[lane.setting.number for lane in trial.lanes if lane.setting] or None,
    )


def facts_of(trial: Trial, stopped: Stopped | None) -> dict[str, object]:
    """Return the columns that say how each run of a trial ended early, if it did, and at which setting it trained."""
    reasons = [reason or None for reason in (stopped.reasons if stopped else [""] * len(trial.lanes))]
    return {
        "stopped_at": pd.array([stopped.step if stopped and reason else None for reason in reasons], "Int64"),
        "stop_reason": pd.array(reasons, "string"),
        **varied(trial),
    }


def tabulate(log: TrialLog) -> TrialTables:
    """Return the tables of what was logged."""
    layers = [
        _long(log, history).assign(network=network, layer=layer) for (network, layer), history in log.layers.items()
    ]
    columns = [
        *(c for metric in log.metrics for c in metric.columns),
        *(c for diagnostic in log.diagnostics for c in (*diagnostic.columns, *diagnostic.layer_columns)),
        *(_floor_column(c) for metric in log.metrics for c in metric.columns if c.name in log.floors),
    ]
    return TrialTables(
        runs=_runs(log),
        history=_long(log, log.history),
        layers=pd.concat(layers, ignore_index=True) if layers else pd.DataFrame({"run": []}),
        samples=_samples(log),
        columns={c.name: c for c in (*columns, *log.fact_columns)},
    )


def made_on(device: torch.device) -> dict[str, str | int | None]:
    """Return where numbers of this process are made, as the column `environment` holds it."""
    name = f"cuda ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else device.type
    return stamp(name, torch.get_num_threads())


def _long(log: TrialLog, history: History) -> pd.DataFrame:
    """Return a row per seed and logged step, seeds one after the other, without the rows after a seed's last step."""
    steps, arrays = np.array(list(history.row), dtype=np.int64), history.arrays()
    frames = [
        pd.DataFrame(
            {
                "run": run,
                "trial": log.trial,
                "seed": log.seeds[i],
                **({} if log.settings is None else {"setting": log.settings[i]}),
                "step": steps,
                **{name: values[:, i] for name, values in arrays.items()},
            }
        ).loc[steps <= log.last_steps[i]]
        for i, run in enumerate(log.runs)
    ]
    return pd.concat(frames, ignore_index=True)


def _runs(log: TrialLog) -> pd.DataFrame:
    """Return a row per seed with its metrics at the last evaluation; a diverged seed has none."""
    diverged = [step is not None for step in log.diverged_at]
    return pd.DataFrame(
        {
            "run": log.runs,
            "trial": log.trial,
            **log.labels,
            "seed": log.seeds,
            "status": [Status.DIVERGED if bad else Status.OK for bad in diverged],
            "diverged_at": pd.array(log.diverged_at, "Int64"),
            "error": pd.array([None] * len(diverged), "string"),
            "steps": log.steps,
            **_final(log, diverged),
            **{f"{name}_floor": floor for name, floor in log.floors.items()},
            **_judged(log),
            "ms_per_step": log.ms_per_step,
            "seconds": log.seconds,
            **log.facts,
            "versions": json.dumps(log.versions, sort_keys=True),
            "environment": json.dumps(log.environment, sort_keys=True),
        }
    )


def _final(log: TrialLog, diverged: Sequence[bool]) -> dict[str, np.ndarray]:
    """Return each metric's column at the last evaluation, without the seeds that diverged."""
    if log.evaluated_at is None:
        return {}
    arrays, at = log.history.arrays(), log.history.row[log.evaluated_at]
    names = [column.name for metric in log.metrics for column in metric.columns if column.name in arrays]
    return {name: np.where(diverged, np.nan, arrays[name][at]) for name in names}


def _judged(log: TrialLog) -> dict[str, object]:
    """Return by what samples were judged, and what is known of the data."""
    if log.evaluator is None:
        return {}
    counts = {"n_real": log.evaluator.n_real, "n_fake": log.n_fake}
    return {"extractor": log.evaluator.extractor_identity, **counts, **log.evaluator.known_of_data(log.n_fake)}


def _samples(log: TrialLog) -> dict[str, np.ndarray]:
    """Return the snapshots, as many samples of each as the smallest has, and real ones beside them."""
    steps = sorted(log.snapshots)
    if not steps or log.evaluator is None:
        return {"steps": np.zeros(0, np.int64), "samples": np.zeros((0, len(log.seeds), 0)), "real": np.zeros(0)}
    keep = min(samples.shape[1] for samples in log.snapshots.values())
    fake = torch.stack([log.snapshots[step][:, :keep] for step in steps])
    real = log.evaluator.real.points
    return {"steps": np.array(steps), "samples": _stored(fake, real), "real": _stored(real[:keep], real)}


def _stored(samples: Tensor, real: Tensor) -> np.ndarray:
    """Return samples as files have them: bytes where real ones are images `[n, C, H, W]`, else float16."""
    if samples.dtype == torch.uint8:
        return samples.cpu().numpy()
    if real.dim() == 4:
        return as_bytes(samples).cpu().numpy()
    return samples.cpu().numpy().clip(-LARGEST_POINT, LARGEST_POINT).astype(np.float16)


def _floor_column(column: Column) -> Column:
    """Return the column that holds a metric's real-against-real value."""
    return Column(f"{column.name}_floor", f"{column.name} of as many real samples", column.unit, column.direction)
