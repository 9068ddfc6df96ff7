"""Compares two results folders bit for bit: `python tests/unchanged/same_numbers.py OLD NEW`.

For a change that must not change numbers: train the suites of this folder and `suites/smoke.yaml` with both revisions
(`ganbench run tests/unchanged/rules.yaml --executor local --results OLD`), then compare. Trials are paired by their
place in the plan, because their keys may differ; columns that only one side has are reported, and times are left out.
"""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

NAMES = {"run", "trial", "extractor", "versions", "environment"}  # they name things, and may be renamed


def newest(suite: Path) -> Path:
    """Return the newest run of a suite's folder."""
    return max(suite.glob("*/manifest.json"), key=lambda path: path.stat().st_mtime).parent


def numbers(table: pa.Table) -> dict[str, pa.ChunkedArray]:
    """Return the columns that must not change."""
    kept = {}
    for field in table.schema:
        declared = json.loads((field.metadata or {}).get(b"ganbench", b"{}"))
        if field.name not in NAMES and not declared.get("timing"):
            kept[field.name] = table.column(field.name)
    return kept


def arrays(path: Path) -> list[bytes]:
    """Return the pictures of a run in the order of their trials, as bytes."""
    with zipfile.ZipFile(path) as archive:
        return [archive.read(name) for name in archive.namelist()]


def same_bits(old: pa.ChunkedArray, new: pa.ChunkedArray) -> bool:
    """Say whether two columns are equal to the last bit; nulls equal nulls."""
    if old.type != new.type or len(old) != len(new) or not old.is_null().equals(new.is_null()):
        return False
    if not pa.types.is_floating(old.type):
        return old.equals(new)
    a, b = (np.ascontiguousarray(column.fill_null(0.0).to_numpy()).view(np.int64) for column in (old, new))
    return bool((a == b).all())


def differences(old: Path, new: Path) -> list[str]:
    """Return what differs between two runs."""
    lines = []
    for table in ("runs", "history", "layers"):
        before, after = (numbers(pq.read_table(run / f"{table}.parquet")) for run in (old, new))
        lines += [f"{table}.{name}: only on one side" for name in sorted(before.keys() ^ after.keys())]
        common = [name for name in before if name in after]
        lines += [f"{table}.{name}: differs" for name in common if not same_bits(before[name], after[name])]
    if arrays(old / "samples.npz") != arrays(new / "samples.npz"):
        lines.append("samples.npz: differs")
    return lines


def main(old: Path, new: Path) -> int:
    """Compare all suites that both folders have; return 1 where one differs."""
    suites = sorted({path.name for path in old.iterdir()} & {path.name for path in new.iterdir()})
    different = 0
    for suite in suites:
        before, after = newest(old / suite), newest(new / suite)
        lines = differences(before, after)
        rows = pq.read_metadata(before / "history.parquet").num_rows
        print(f"{suite}: {', '.join(lines) or f'the same bits in {rows} rows'}")
        different += bool(lines)
    return 1 if different or not suites else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
