"""MNIST's files, which its data sets and its classifier share."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.assets.fidelity import import_torchvision

if TYPE_CHECKING:
    from torchvision import datasets

CLASSES = 10


def mnist_files(folder: Path, *, held: bool, download: bool = False) -> datasets.MNIST:
    """Return torchvision's MNIST below `folder`: `.data` `[N, 28, 28]` uint8 and `.targets` `[N]`, 0 to 9.

    Args:
        folder: the files lie in its `MNIST/raw`.
        held: the 10,000 scans of the test split, and not the 60,000 of the training split.
        download: fetch the files where they are not there.

    Raises:
        ValueError: a label is no digit; torchvision raises others for files that are missing or broken.
    """
    import_torchvision()
    files = importlib.import_module("torchvision.datasets").MNIST(folder, train=not held, download=download)
    if len(files.targets) != len(files.data) or len(files.data) == 0:
        raise ValueError(f"{len(files.data)} scans, but {len(files.targets)} labels: a file is of another set")
    if not 0 <= int(files.targets.min()) <= int(files.targets.max()) < CLASSES:
        raise ValueError("a label is not among 0 to 9: this is another data set in MNIST's format")
    return files
