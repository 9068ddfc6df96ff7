"""Goes on with a run that a monitor has written before: one folder, one curve."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ganbench.core.file_set import MANIFEST, open_one
from ganbench.monitor.kept_state import State
from ganbench.tables import results as tables
from ganbench.tables.manifest import RunManifest
from ganbench.training.history import History

log = logging.getLogger("ganbench.monitor")

STATE = "monitor.pt"  # what the tables do not hold: the features of the real samples
KEYS = ("run", "trial", "seed", "step", "network", "layer")


def history_state(history: History) -> dict[str, object]:
    """Return the rows of a history of one seed."""
    n = len(history.row)
    return {
        "steps": torch.tensor(list(history.row), dtype=torch.int64),
        "columns": {name: column[:n, 0].clone() for name, column in history.columns.items()},
    }


def cut(state: State, end: int) -> tuple[Sequence[int], dict[str, Tensor]]:
    """Return the steps up to one, and their rows."""
    kept = state["steps"] <= end
    return state["steps"][kept].tolist(), {name: column[kept] for name, column in state["columns"].items()}


def run_of(path: Path) -> str | None:
    """Return the name of the monitored run whose tables are in a folder; None where there is none that can be read."""
    try:
        manifest = RunManifest.read(path / MANIFEST)
    except (OSError, ValueError):
        return None
    return None if manifest.monitor is None else manifest.run


def asked_of(path: Path) -> str | None:
    """Return the name of the folder that the monitored run in a folder was meant for; None where there is none."""
    try:
        manifest = RunManifest.read(path / MANIFEST)
    except (OSError, ValueError):
        return None
    return None if manifest.monitor is None else manifest.monitor.asked or path.name


def readable_state(path: Path) -> State | None:
    """Return the state of the run in a folder; None where there is none, or it cannot be read (logged)."""
    if not (path / MANIFEST).exists():
        return None
    try:
        return state_of_folder(path)
    except Exception as error:  # a file may be broken in any way, and training must go on
        log.warning("ganbench.Monitor: %s cannot be resumed (%s); rows go into a run beside it", path, error)
        return None


def state_of_folder(path: Path) -> State:
    """Return the state of the run in a folder, as `Monitor.state_dict` does.

    Raises:
        UsageError, OSError, ValueError: no run is there, or it cannot be read.
    """
    results = tables.load(path)
    run = results.runs.iloc[0]
    trial = str(run["trial"])
    step = results.manifest.monitor.step if results.manifest.monitor else int(run["steps"])
    layers = {}
    if len(results.layers):
        places = results.layers["network"] + "\n" + results.layers["layer"]
        layers = {str(place): _state_of(rows) for place, rows in results.layers.groupby(places)}
    pictures = results.samples[trial] if trial in results.samples else None
    steps = [] if pictures is None else pictures["steps"].tolist()
    metrics = [name for name in results.runs if name in results.history and name not in KEYS]
    steps_of = results.history["step"].to_numpy(dtype="int64")
    measured = ~np.isnan(results.history[metrics].to_numpy(dtype="float64"))
    looked = steps_of[measured.any(axis=1)]
    return {
        "format": 1,
        "folder": str(path),
        "trial": trial,
        "seed": int(run["seed"]),
        "steps": step,
        "looks": len(looked),
        "seconds": float(run["seconds"]),
        "history": _state_of(results.history),
        "columns": [asdict(results.columns[name]) for name in (*results.history, *results.layers) if name not in KEYS],
        "layers": layers,
        "snapshots": {at: _picture(pictures["samples"][i]) for i, at in enumerate(steps)} if pictures else {},
        "n_fake": int(run["n_fake"]) if "n_fake" in results.runs and run["n_fake"] == run["n_fake"] else 0,
        "evaluated_at": int(looked[-1]) if len(looked) else None,
        **_kept(path, results.manifest.files),
    }


def _picture(samples: np.ndarray) -> Tensor:
    picture = torch.from_numpy(samples)
    return picture if picture.dtype == torch.uint8 else picture.float()


def _kept(path: Path, checksums: Mapping[str, str]) -> State:
    with open_one(path, STATE, checksums) as file:
        return torch.load(BytesIO(file.read()), weights_only=True)


def _state_of(rows: pd.DataFrame) -> dict[str, object]:
    names = [name for name in rows.columns if name not in KEYS]
    return {
        "steps": torch.tensor(rows["step"].to_numpy(dtype="int64", copy=True)),
        "columns": {name: torch.tensor(rows[name].to_numpy(dtype="float64", copy=True)) for name in names},
    }
