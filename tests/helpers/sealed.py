"""Changes files as someone does who knows how their checksums are made: what is read is then not refused for those."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from ganbench.core.results_files import checksum, json_bytes, read_with_checksum, with_checksum

NAMES = ("runs.parquet", "history.parquet", "layers.parquet", "samples.npz", "suite.yaml")


def reseal(folder: Path, **changes: Any) -> None:
    """Write a run's or a baseline's manifest again, with the checksums of its files as they are now."""
    path = folder / "manifest.json"
    about = json.loads(path.read_bytes()) if path.exists() else {}
    files = {name: checksum(folder / name) for name in NAMES if (folder / name).is_file()}
    path.write_bytes(json_bytes({**about, **changes, "files": files}, indent=2))


def reseal_part(part: Path) -> None:
    """Write a part's checksums again."""
    about = json.loads((part / "part.json").read_text())
    about["sha256"] = {name: checksum(part / name) for name in about["sha256"]}
    (part / "part.json").write_text(json.dumps(about))


def write_checkpoint(path: Path, state: object, name: str = "") -> None:
    """Write a checkpoint, or with its name a file of weights, that holds anything."""
    import torch

    content = io.BytesIO()
    torch.save(state, content)
    path.write_bytes(with_checksum(content.getvalue(), name))


def read_checkpoint(path: Path, name: str = "") -> dict[str, Any]:
    """Return what such a file holds."""
    import torch

    return torch.load(io.BytesIO(read_with_checksum(path, name)), weights_only=True)
