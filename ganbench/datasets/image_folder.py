"""A folder of images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from annotated_types import Len

from ganbench.assets.data_folder import FOLDER_VARIABLE, data_folder, expanded
from ganbench.core.lazy import torch
from ganbench.datasets._pictures import ENDINGS, is_picture, read_picture
from ganbench.datasets._torchvision import TorchvisionImages, torchvision_class

if TYPE_CHECKING:
    from ganbench.datasets._torchvision import Pictures

HELD_OUT_EVERY = 5


@dataclass(frozen=True)
class ImageFolder(TorchvisionImages):
    """The images in the sub-folders of `folder`, in colour; every fifth of a sub-folder is held out.

    A relative `folder` is one of `$GANBENCH_DATA`; each sub-folder is a class, and one is enough. The square in the
    middle of each image is resized, once: the bytes are kept in the user's cache. Pictures are turned upright as EXIF
    says, transparent parts are white, 16-bit grey is scaled to 8 bits; hidden files and folders are left out. A file
    that is no regular one, that has several frames, or whose mode has no one meaning in 8 bits is refused by its name.
    The modes are not known and features are pixels. Results are kept by the folder's name and not by what is in it:
    give changed images another name.
    """

    name = "image_folder"
    version = 2
    remedy = (
        f"put images into class folders, such as {{folder}}/images/all/1.png, and name the folder that holds these: "
        f"image_folder: {{{{folder: images}}}} (absolute, or below ${FOLDER_VARIABLE})"
    )
    one_by_one = True

    folder: Annotated[str, Len(1, 1000)] = "images"

    @property
    def place(self) -> Path:
        """Return the folder of the images."""
        return data_folder() / expanded(self.folder, "image_folder: folder")

    def open(self, folder: Path, *, held: bool, download: bool) -> Pictures:
        """Return the images that are trained on, or every fifth of a class, in the order of the files' names."""
        root = folder / expanded(self.folder, "image_folder: folder")
        images = torchvision_class("ImageFolder")(
            root,
            loader=read_picture,
            is_valid_file=lambda path: is_picture(Path(path), root),
            allow_empty=True,  # hidden folders, for one
        )
        full = set(images.targets)
        if empty := [one for k, one in enumerate(images.classes) if not one.startswith(".") and k not in full]:
            raise ValueError(f"the folder {empty[0]} holds no picture ({', '.join(ENDINGS)})")
        classes = torch.tensor(images.targets)
        # A place within its class, from 0; torchvision lists class after class, files by name.
        places = torch.cat([torch.arange(int((classes == k).sum())) for k in range(len(images.classes))])
        kept = places % HELD_OUT_EVERY == HELD_OUT_EVERY - 1
        if not kept.any():
            raise ValueError(f"no class has {HELD_OUT_EVERY} images, so none can be held out")
        return torch.utils.data.Subset(images, (kept if held else ~kept).nonzero().squeeze(1).tolist())
