"""A folder of images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from annotated_types import Len

from ganbench.assets.data_folder import FOLDER_VARIABLE, data_folder
from ganbench.core.lazy import torch
from ganbench.datasets._torchvision import TorchvisionImages, torchvision_class

if TYPE_CHECKING:
    from ganbench.datasets._torchvision import Pictures

HELD_OUT_EVERY = 5


@dataclass(frozen=True)
class ImageFolder(TorchvisionImages):
    """The images in the sub-folders of `folder`, in colour; every fifth of a sub-folder is held out.

    A relative `folder` is one of `$GANBENCH_DATA`; each sub-folder is a class, and one is enough. The square in the
    middle of each image is resized, once: the bytes are kept in the user's cache. The modes are not known and features
    are pixels. Results are kept by the folder's name and not by what is in it: give changed images another name.
    """

    name = "image_folder"
    remedy = (
        f"put images into class folders, such as {{folder}}/images/all/1.png, and name the folder that holds these: "
        f"image_folder: {{{{folder: images}}}} (absolute, or below ${FOLDER_VARIABLE})"
    )
    one_by_one = True

    folder: Annotated[str, Len(1, 1000)] = "images"

    @property
    def place(self) -> Path:
        """Return the folder of the images."""
        return data_folder() / Path(self.folder).expanduser()

    def open(self, folder: Path, *, held: bool, download: bool) -> Pictures:
        """Return the images that are trained on, or every fifth of a class, in the order of the files' names."""
        images = torchvision_class("ImageFolder")(folder / Path(self.folder).expanduser())
        classes = torch.tensor(images.targets)
        # A place within its class, from 0; torchvision lists class after class, files by name.
        places = torch.cat([torch.arange(int((classes == k).sum())) for k in range(len(images.classes))])
        kept = places % HELD_OUT_EVERY == HELD_OUT_EVERY - 1
        if not kept.any():
            raise ValueError(f"no class has {HELD_OUT_EVERY} images, so none can be held out")
        return torch.utils.data.Subset(images, (kept if held else ~kept).nonzero().squeeze(1).tolist())
