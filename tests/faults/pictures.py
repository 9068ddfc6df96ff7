"""Picture files that are not what they seem: right, or refused by name; never misread in silence."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.faults.throws import NOTICED, OTHER, SAME, Throw

EXPECTED = "read as it is meant, or refused in one line that names it"
GREY = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)


def throws() -> Iterator[Throw]:
    """Return all throws of this kind."""
    for name, (write, expected) in PICTURES.items():
        yield Throw("pictures", name, EXPECTED, _thrown(write, expected))
    yield Throw("pictures", "a folder of a user who does not exist", EXPECTED, lambda: _user("folder"))
    yield Throw("pictures", "GANBENCH_DATA of a user who does not exist", EXPECTED, lambda: _user("variable"))


def _thrown(write: Callable[[Path], object], expected: np.ndarray | None) -> Callable[[], str]:
    """Write a picture `bad…` as the first of a class; None expects that it is refused or left out."""

    def run() -> str:
        folder = Path("data/images/all")
        write(folder)
        return _read(expected)

    return run


def _read(expected: np.ndarray | None) -> str:
    import torch

    from ganbench.core.errors import UsageError
    from ganbench.datasets._bytes import ByteImages
    from ganbench.datasets.image_folder import ImageFolder

    os.environ["GANBENCH_DATA"] = str(Path("data").absolute())
    usual = 8  # of ten, two are held out
    try:
        loaded = ImageFolder(size=16).load(torch.device("cpu"))
        assert isinstance(loaded, ByteImages)
        rows = loaded.rows.numpy()
    except UsageError as error:
        return NOTICED if "\n" not in str(error) else OTHER
    if expected is None:
        return SAME if len(rows) == usual else OTHER  # left out
    # The same picture as it is meant, at the place that it has in the folder's order: behind the digits.
    return SAME if (np.abs(rows[-1].astype(int) - expected.transpose(2, 0, 1)) <= 1).all() else OTHER


def _user(where: str) -> str:
    import torch

    from ganbench.core.errors import UsageError
    from ganbench.datasets.image_folder import ImageFolder

    os.environ["GANBENCH_DATA"] = "~nosuchuser/x" if where == "variable" else str(Path("data").absolute())
    try:
        ImageFolder(folder="~nosuchuser/x" if where == "folder" else "images").load(torch.device("cpu"))
    except UsageError as error:
        return NOTICED if "\n" not in str(error) else OTHER
    return OTHER


def _rgb(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[..., None], 3, axis=-1)


def _saved(image: Image.Image, name: str = "bad.png", **more: Any) -> Callable[[Path], None]:
    return lambda folder: image.save(folder / name, **more)


COLOURS = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
HALF = np.zeros((16, 16), np.uint8)
HALF[:, 8:] = 255
ON_WHITE = np.where(HALF[..., None] == 255, COLOURS, 255).astype(np.uint8)
_EXIF = Image.Exif()
_EXIF[0x0112] = 6  # turn by 90 degrees clockwise to show it
_PALETTE = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16), "P")
_PALETTE.putpalette([v for i in range(256) for v in (i, 255 - i, 7)])
_PALETTE_RGB = np.stack([np.arange(256), 255 - np.arange(256), np.full(256, 7)], -1).reshape(16, 16, 3)
_CLEAR = np.where((np.arange(256) == 5).reshape(16, 16, 1), 255, _PALETTE_RGB)


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / "bad.png")


def _hidden_folder(folder: Path) -> None:
    (folder.parent / ".checkpoints").mkdir()
    Image.fromarray(COLOURS).save(folder.parent / ".checkpoints/1.png")


PICTURES: dict[str, tuple[Callable[[Path], object], np.ndarray | None]] = {
    "16-bit grey PNG": (_saved(Image.fromarray(GREY)), _rgb((GREY / 257).round())),
    "16-bit grey PNG, dark": (_saved(Image.fromarray(GREY // 64)), _rgb((GREY // 64 / 257).round())),
    "16-bit grey TIFF": (_saved(Image.fromarray(GREY), "bad.tif"), _rgb((GREY / 257).round())),
    "32-bit grey TIFF": (_saved(Image.fromarray(GREY.astype(np.int32)), "bad.tif"), None),
    "float TIFF": (_saved(Image.fromarray((GREY / 65535).astype(np.float32)), "bad.tif"), None),
    "8-bit grey": (_saved(Image.fromarray(COLOURS[..., 0])), _rgb(COLOURS[..., 0])),
    "black and white": (_saved(Image.fromarray(HALF).convert("1")), _rgb(HALF)),
    "EXIF orientation": (_saved(Image.fromarray(COLOURS), exif=_EXIF), np.rot90(COLOURS, -1)),
    "alpha": (_saved(Image.fromarray(np.dstack([COLOURS, HALF]))), ON_WHITE),
    "alpha that hides nothing": (_saved(Image.fromarray(COLOURS).convert("RGBA")), COLOURS),
    "grey with alpha": (
        _saved(Image.fromarray(np.dstack([COLOURS[..., 0], HALF]), "LA")),
        np.where(HALF[..., None] == 255, _rgb(COLOURS[..., 0]), 255),
    ),
    "palette": (_saved(_PALETTE), _PALETTE_RGB),
    "palette with a transparent colour": (_saved(_PALETTE, transparency=5), _CLEAR),
    "a transparent colour": (
        _saved(Image.fromarray(COLOURS), transparency=tuple(int(v) for v in COLOURS[3, 4])),
        np.where((COLOURS == COLOURS[3, 4]).all(-1, keepdims=True), 255, COLOURS),
    ),
    "a pipe named .png": (_pipe, None),
    "a folder named .png": (lambda folder: (folder / "bad.png").mkdir(), None),
    "a hidden picture": (_saved(Image.fromarray(COLOURS), ".bad.png"), None),
    "a resource fork": (lambda folder: (folder / "._bad.png").write_bytes(b"\0\5\x16\7"), None),
    "a hidden folder": (_hidden_folder, None),
    "an empty picture": (lambda folder: (folder / "bad.png").touch(), None),
    "text": (lambda folder: (folder / "bad.png").write_text("no picture"), None),
    "an animation": (
        _saved(Image.fromarray(COLOURS), "bad.webp", save_all=True, append_images=[Image.fromarray(255 - COLOURS)]),
        None,
    ),
    "a dangling link": (lambda folder: (folder / "bad.png").symlink_to("/nowhere"), None),
    "an empty class": (lambda folder: (folder.parent / "none").mkdir(), None),
}
