"""The run of small.yaml in the prepared folder: the command, words for its places, checksums made anew, its tables."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from tests.faults.corruption import _equal, _tables, sealed_by_anyone
from tests.faults.prepared import PARTS, plan, run_folder
from tests.faults.throws import OTHER, SAME

RUN = ("run", "small.yaml", "--executor", "local")


def first_part() -> Path:
    """Return the folder of the first trial's part."""
    return PARTS / plan("small.yaml").trials[0].key


def placed(text: str) -> str:
    """Return a word of a command, or a place, with its first name filled in."""
    key = plan("small.yaml").trials[0].key
    named = {"RUN": str(run_folder()), "PART": str(PARTS / key), "CHECKPOINT": f"results/small/checkpoints/{key}.pt"}
    for name, path in named.items():
        if text == name or text.startswith((f"{name}/", f"{name}.")):
            return path + text[len(name) :]
    return text


def checksum(path: Path, known: str) -> str:
    """Return a file's checksum in the form that is known: the digest, with the length behind it or without."""
    content = path.read_bytes()
    return hashlib.sha256(content).hexdigest() + (f" {len(content)}" if " " in known else "")


def reseal_run() -> None:
    """Give the run's files right checksums, where this ganbench has such."""
    path = run_folder() / "manifest.json"
    about = json.loads(path.read_text())
    if "files" in about:
        about["files"] = {n: checksum(run_folder() / n, about["files"][n]) for n in about["files"]}
        sealed_by_anyone(path, about)


def same_run(before: list[object]) -> str:
    """Return whether the run has the tables that it had before, but for times and for what failed before."""
    now = _tables(run_folder())
    times = ["seconds", "ms_per_step"]  # of a trial that was trained again
    for tables in (now, before):
        tables[0] = tables[0].drop(columns=times)  # type: ignore[union-attr]
        tables[5] = {**tables[5], "failed": []}  # type: ignore[dict-item]
    return SAME if _equal(now, before) else OTHER
