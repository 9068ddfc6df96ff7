"""From the parts of a suite to the tables of one run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ganbench.core.column import Column
from ganbench.core.file_set import NewFiles
from ganbench.core.naming import trial_id
from ganbench.core.trial import Trial
from ganbench.tables import schema
from ganbench.tables.arrays import add_arrays, new_archive
from ganbench.tables.part_store import part_samples, read_arrow
from ganbench.tables.settings import varied, varied_columns


def merge(
    folder: Path, trials: Mapping[str, Trial | None], failures: Mapping[str, Mapping[str, str]], files: NewFiles
) -> None:
    """Write a run's tables and pictures from the parts; merging the same parts again gives the same bytes.

    Args:
        folder: `results/<suite>`.
        trials: key → trial, in the order of the rows. One with neither part nor failure has no rows; None may stand for
            one that has a part.
        failures: key → status and error; a part that is there wins.
        files: the new files of `results/<suite>/<run>`.

    Raises:
        StoreError: a part cannot be read just now.
        OSError: the new files cannot be written.
    """
    tables: dict[str, list[pa.Table]] = {name: [] for name in schema.TABLES}
    done = []
    for key, trial in trials.items():
        part = read_arrow(folder, key)
        if part is not None:
            done.append(key)
            for name, table in part.items():
                tables[name].append(table)
        elif trial is not None and key in failures:
            tables["runs"].append(_failed(trial, failures[key]))
    for name, parts in tables.items():
        with files.open(f"{name}.parquet") as file:
            pq.write_table(_stack(name, parts), file)
    # One trial's pictures at a time: all of them may not fit into memory.
    with files.open("samples.npz") as file, new_archive(file) as archive:
        for key in done:
            pictures = part_samples(folder, key) or {}
            add_arrays(archive, {f"{trial_id(key)}/{name}": array for name, array in pictures.items()})


def _stack(name: str, parts: list[pa.Table]) -> pa.Table:
    """Return the parts one below the other; a column that a part lacks is null there."""
    if not parts:
        return schema.empty(name)
    declared: dict[str, Column] = {}
    for part in parts:
        declared = {**schema.declarations(name, part.schema), **declared}
    wanted = schema.schema(schema.ordered(name, declared.values()))
    return pa.concat_tables([_fit(part, wanted) for part in parts]).combine_chunks()


def _fit(part: pa.Table, wanted: pa.Schema) -> pa.Table:
    arrays = [
        part.column(field.name) if field.name in part.column_names else pa.nulls(part.num_rows, field.type)
        for field in wanted
    ]
    return pa.Table.from_arrays(arrays, schema=wanted)


def _failed(trial: Trial, failure: Mapping[str, str]) -> pa.Table:
    """Return one row per run of a trial without results."""
    # A lone surrogate in an error's text cannot be written as UTF-8.
    error = failure["error"].encode("utf-8", "replace").decode()
    frame = pd.DataFrame(
        {
            "run": trial.runs,
            "trial": trial.id,
            **trial.labels,
            "seed": [lane.seed for lane in trial.lanes],
            "status": failure["status"],
            "diverged_at": None,
            "error": error,
            "steps": trial.steps,
            **varied(trial),
        }
    )
    return schema.to_arrow("runs", frame, {column.name: column for column in varied_columns(trial)})
