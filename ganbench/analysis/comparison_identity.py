"""Whether two trials are the same to the last bit: the exact test of a change that should change nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ganbench.analysis.frames import compiled_trials

if TYPE_CHECKING:
    import pandas as pd

    from ganbench.core.column import Column
    from ganbench.tables.results import Results

_TABLES = ("runs", "history", "layers")
# Held against each other by themselves; tables from before they were recorded have none.
_APART = ("preparation", "versions")
_ORDER = ("trial", "seed", "step", "network", "layer")


def fingerprints(results: Results) -> dict[str, str]:
    """Return trial → SHA-256 of everything in its rows of all three tables, except what a clock measured.

    Names, order of columns, every bit of every number and whether steps were compiled count; the order of the rows does
    not.
    """
    return _digests(results, "trial", ())


def run_fingerprints(results: Results) -> dict[str, str]:
    """Return `<trial>-<seed>` → SHA-256 of everything in the run's rows except its trial's and its own identifier.

    The trial's key depends on which seeds it has. Without it, a run has the same fingerprint whatever other seeds are
    trained in its trial.
    """
    return _digests(results, "run", ("trial", "run"))


def _digests(results: Results, by: str, without: tuple[str, ...]) -> dict[str, str]:
    digests = {str(one): hashlib.sha256() for one in results.runs[by].unique()}
    for name in _TABLES:
        frame: pd.DataFrame = getattr(results, name)
        kept = frame.drop(columns=[c for c in frame.columns if c in _APART or _timed(results.columns, str(c))])
        ordered = kept.sort_values(by=[key for key in _ORDER if key in kept.columns])
        content = ordered.drop(columns=[key for key in without if key in ordered.columns])
        for one, at in ordered.groupby(by, sort=False).indices.items():
            if str(one) in digests:
                digests[str(one)].update(_bytes(name, content, at))
    runs = results.runs
    for one in runs.loc[runs["trial"].isin(compiled_trials(results)), by].drop_duplicates():
        digests[str(one)].update(b"compiled")
    return {one: digest.hexdigest() for one, digest in digests.items()}


def _timed(columns: Mapping[str, Column], name: str) -> bool:
    return name in columns and columns[name].timing


def _bytes(table: str, frame: pd.DataFrame, at: np.ndarray) -> bytes:
    parts = [f"{table} {len(at)}".encode()]
    for name in frame.columns:
        values = frame[name].array[at]
        if values.dtype == np.float64:
            numbers = np.asarray(values, dtype=np.float64)
            # Every NaN says the same, "not computed", whatever its payload.
            content = np.where(np.isnan(numbers), np.nan, numbers).tobytes()
            if np.isnan(numbers).all():
                continue  # a column that other trials of the run brought along
        elif values.isna().all():
            continue
        else:
            content = repr([None if missing else value for value, missing in zip(values, values.isna(), strict=True)])
            content = content.encode()
        parts.append(f"{name} {len(content)}".encode() + b"\0" + content)
    return b"\0".join(parts)
