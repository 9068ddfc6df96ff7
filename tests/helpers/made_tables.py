"""Tables as a trainer returns them, made up, so that what reads and judges tables is tested without training."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ganbench.core.column import Column
from ganbench.core.file_set import new_files
from ganbench.core.status import Status
from ganbench.core.trial import Trial
from ganbench.tables import part_store
from ganbench.tables.manifest import RunManifest, Times
from ganbench.tables.merge import merge
from ganbench.tables.part_store import TrialTables
from tests.helpers.trials import small_trial

METRICS = {
    "modes_captured": Column("modes_captured", "modes found", "modes", "higher", leading=1, low=0.0),
    "hq_fraction": Column("hq_fraction", "share of good samples", "1", "higher", leading=2, low=0.0, high=1.0),
    "fid": Column("fid", "Fréchet distance", "1", "lower", leading=3, low=0.0),
    "spread_ratio": Column("spread_ratio", "spread"),
    "likeness": Column("likeness", "of a package that is not installed", "1", "higher", low=0.0, high=4.0),
}


def made_tables(
    trial: Trial,
    of_name: dict[str, list[float]] | None = None,
    *,
    rows: int = 3,
    layers: bool = True,
    **more: list[float],
) -> TrialTables:
    """Return tables whose final metrics are these, a value a seed; a run with NaN in all of them diverged."""
    metrics = {**(of_name or {}), **more}
    identity, seeds = trial.key[:12], list(trial.seeds)
    ids = [f"{identity}-{seed}" for seed in seeds]
    metrics = metrics or {"modes_captured": [8.0] * len(seeds)}
    steps = np.arange(1, rows + 1) * 10
    history = pd.DataFrame(
        {
            "run": np.repeat(ids, rows),
            "trial": identity,
            "seed": np.repeat(seeds, rows),
            "step": np.tile(steps, len(ids)),
            "loss_g": np.tile([0.5, np.nan, 1.5][:rows], len(ids)),
        }
    )
    per_layer = history.drop(columns="loss_g").assign(network="G", layer="linear0", grad_norm=1.0)
    floors = {f"{n}_floor": Column(f"{n}_floor", "of real samples", METRICS[n].unit) for n in metrics}
    return TrialTables(
        runs=_made_runs(trial, ids, metrics),
        history=history,
        layers=per_layer if layers else per_layer.iloc[:0][["run", "trial", "seed"]],
        samples=made_samples(len(seeds)),
        columns={
            **{name: METRICS[name] for name in metrics},
            **floors,
            "loss_g": Column("loss_g", "the generator's loss", "nat"),
            "grad_norm": Column("grad_norm", "norm of the gradient", "1", timing=False),
        },
    )


def _made_runs(trial: Trial, ids: list[str], metrics: dict[str, list[float]]) -> pd.DataFrame:
    diverged = [all(math.isnan(value) for value in of_seed) for of_seed in zip(*metrics.values(), strict=True)]
    return pd.DataFrame(
        {
            "trial": trial.id,
            "run": ids,
            "seed": list(trial.seeds),
            **trial.labels,
            "status": [Status.DIVERGED if bad else Status.OK for bad in diverged],
            "diverged_at": pd.array([7 if bad else None for bad in diverged], "Int64"),
            "error": pd.array([None] * len(ids), "string"),
            "steps": trial.steps,
            **metrics,
            **{f"{name}_floor": 0.5 for name in metrics},
            "extractor": "coordinates",
            "n_real": 200,
            "n_fake": 100,
            "ms_per_step": 0.25,
            "seconds": 1.0,
        }
    )


def made_samples(seeds: int) -> dict[str, np.ndarray]:
    """Return pictures of two steps: ten points a seed."""
    points = np.arange(2 * seeds * 20, dtype=np.float16).reshape(2, seeds, 10, 2)
    return {"steps": np.array([10, 30]), "samples": points, "real": points[0, 0]}


def made_run(folder: Path, trials: dict[Trial, TrialTables], finished: str = "2026-01-01", name: str = "0a1b") -> Path:
    """Write parts, merge them into a run of `folder` and return it."""
    for trial, tables in trials.items():
        part_store.write_part(folder, trial.key, tables)
    return merged(folder, list(trials), {}, folder / name, finished)


def merged(
    folder: Path, trials: list[Trial], failures: dict[str, dict[str, str]], out: Path, finished: str = "2026-01-01"
) -> Path:
    """Merge parts into a run and return it."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with new_files(out) as files:
        merge(folder, {trial.key: trial for trial in trials}, failures, files)
        files.write("suite.yaml", b"name: made\n")
        RunManifest(format=1, suite="made", times=Times(finished=finished)).commit(files)
    return out


def seeded(seeds: int, **changes: Any) -> Trial:
    """Return a small trial of that many seeds."""
    return small_trial(seeds=tuple(range(seeds)), **changes)
