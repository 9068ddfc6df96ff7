"""scikit-learn's handwritten digits as files in MNIST's format: real ones for its loader and its classifier."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import Tensor

from ganbench.extractors import _trained

HELD_OUT_EVERY = 4


def forget_classifiers() -> None:
    """Empty this process's memory of trained classifiers; their files stay."""
    for cached in (_trained.kept_weights, _trained.checked_weights, _trained.content_hash):
        cached.cache_clear()


def idx(array: np.ndarray) -> bytes:
    """Return an array in the IDX format of MNIST: zeros, the code of uint8, the rank, the sizes, the numbers."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def enlarged_digits() -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Return (scans `[N, 28, 28]` uint8, labels) to train on and held out: 20×20 with a rim, as MNIST's."""
    scans, labels = load_digits(return_X_y=True)
    small = torch.from_numpy(scans).float().reshape(-1, 1, 8, 8) / 16 * 255
    large = F.interpolate(small, (20, 20), mode="bicubic", align_corners=False).clamp(0, 255)
    images, targets = F.pad(large, (4,) * 4).round().to(torch.uint8).squeeze(1), torch.from_numpy(labels)
    held = torch.zeros(len(labels), dtype=torch.bool)
    for label in range(10):
        held[(targets == label).nonzero().squeeze(1)[HELD_OUT_EVERY - 1 :: HELD_OUT_EVERY]] = True
    return (images[~held], targets[~held]), (images[held], targets[held])


def write_digits(folder: Path, *, compressed: bool = False) -> None:
    """Write the enlarged digits below a data folder as `MNIST/raw` has them, or as they are downloaded, `.gz`."""
    raw = folder if compressed else folder / "MNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    for prefix, (scans, labels) in zip(("train", "t10k"), enlarged_digits(), strict=True):
        for name, array in ((f"{prefix}-images-idx3-ubyte", scans), (f"{prefix}-labels-idx1-ubyte", labels)):
            content = idx(array.numpy().astype(np.uint8))
            (raw / f"{name}{'.gz' if compressed else ''}").write_bytes(
                gzip.compress(content) if compressed else content
            )
