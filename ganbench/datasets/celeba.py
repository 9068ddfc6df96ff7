"""Faces."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from annotated_types import Interval

from ganbench.core.lazy import torch
from ganbench.datasets._torchvision import TorchvisionImages

if TYPE_CHECKING:
    from ganbench.datasets._torchvision import Pictures

HELD_OUT = 5000


@dataclass(frozen=True)
class CelebA(TorchvisionImages):
    """CelebA's aligned faces: its training split, or the first `images` of it, and 5,000 of its test split held out.

    The square in the middle of 178×218 pixels is resized. Reading all 162,770 takes a minute or more, once: the
    bytes are kept in the user's cache. The modes are not known and features are pixels.
    """

    name = "celeba"
    source = "Liu et al. 2015, arXiv:1411.7766"
    torchvision_name = "CelebA"
    folder_name = "celeba"
    named_splits = True
    one_by_one = True

    images: Annotated[int, Interval(ge=1, le=162_770)] = 162_770

    def open(self, folder: Path, *, held: bool, download: bool) -> Pictures:
        """Return the first faces of the training split, or of the test split as held out."""
        faces = super().open(folder, held=held, download=download)
        return torch.utils.data.Subset(faces, range(min(HELD_OUT if held else self.images, len(faces))))
