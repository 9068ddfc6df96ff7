"""Weights that an extractor trains itself, in the user's cache."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.core.files import replaced
from ganbench.core.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor


def read_weights(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor] | None:
    """Return the weights of a cache file; None where there is none, or a broken or other one."""
    try:
        weights = torch.load(path, weights_only=True)
        found = {name: tuple(w.shape) for name, w in weights.items()}
    except Exception:  # readers of broken files raise what they like
        return None
    return weights if found == shapes else None


def write_weights(path: Path, weights: dict[str, Tensor]) -> None:
    """Write the weights so that other processes, which may write the same, see a whole file or none."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replaced(path) as file:
            torch.save(weights, file)
    except (OSError, RuntimeError):
        pass  # without a writable cache each process trains its own, to the same bits
