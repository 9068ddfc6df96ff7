"""A part as one object, for tests that look at all of it."""

from __future__ import annotations

from pathlib import Path

from ganbench.core.column import Column
from ganbench.tables import part_store, schema


def read_part(folder: Path, key: str) -> part_store.TrialTables | None:
    """Return a part's typed tables and pictures, or None; a broken one is moved to `quarantine/`, with a warning."""
    arrow = part_store.read_arrow(folder, key)
    samples = None if arrow is None else part_store.part_samples(folder, key)
    if arrow is None or samples is None:
        return None
    columns: dict[str, Column] = {}
    for name, table in arrow.items():
        columns |= schema.declarations(name, table.schema)
    frames = {name: schema.to_pandas(table) for name, table in arrow.items()}
    return part_store.TrialTables(**frames, samples=samples, columns=columns)
