"""Faces."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Interval

from ganbench.datasets._torchvision import DOWNLOAD, TorchvisionImages, each_resized, first, torchvision_class

if TYPE_CHECKING:
    from torch import Tensor

HELD_OUT = 5000


@dataclass(frozen=True)
class CelebA(TorchvisionImages):
    """CelebA's aligned faces: its training split, or the first `images` of it, and 5,000 of its test split held out.

    The square in the middle of 178×218 pixels is resized. Reading all 162,770 takes a minute or more, once: the
    bytes are kept in the user's cache. The modes are not known and features are pixels.
    """

    name = "celeba"
    source = "Liu et al. 2015, arXiv:1411.7766"
    remedy = DOWNLOAD
    one_by_one = True

    images: Annotated[int, Interval(ge=1, le=162_770)] = 162_770

    def open(self, folder: Path, *, held: bool, download: bool) -> Any:  # noqa: ANN401 - torchvision is untyped
        """Return the first faces of the training split, or of the test split as held out."""
        faces = torchvision_class("CelebA")(folder, split="test" if held else "train", download=download)
        return first(faces, HELD_OUT if held else self.images)

    def pixels(self, images: Any) -> Tensor:  # noqa: ANN401 - torchvision is untyped
        """Return all faces at `size`."""
        return each_resized(images, self.size)
