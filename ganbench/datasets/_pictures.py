"""A picture file as 8-bit RGB: upright, transparent parts on white, 16 bits scaled; what is unclear is refused."""

from __future__ import annotations

import importlib
import stat
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.core.lazy import numpy

if TYPE_CHECKING:
    from PIL.Image import Image

PLAIN = {"RGB", "L", "1", "CMYK", "YCbCr"}
WITH_ALPHA = {"RGBA", "RGBa", "LA", "La", "PA"}
SIXTEEN_BITS = {"I;16", "I;16B", "I;16L", "I;16N"}
ENDINGS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


def is_picture(path: Path, root: Path) -> bool:
    """Say whether a file below `root` counts as a picture; neither hidden files nor those in hidden folders do."""
    hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
    return path.suffix.lower() in ENDINGS and not hidden


def read_picture(path: str) -> Image:
    """Return a file's picture in mode RGB.

    Raises:
        ValueError: it is no regular file, broken, too large, of several frames, or in a mode without one meaning.
    """
    if not stat.S_ISREG(Path(path).stat().st_mode):  # opening a pipe would wait for whoever writes into it
        raise ValueError(f"{path} is no regular file")
    pillow, operations = importlib.import_module("PIL.Image"), importlib.import_module("PIL.ImageOps")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Pillow warns of and reads all the same
            warnings.simplefilter("error", pillow.DecompressionBombWarning)
            with pillow.open(path) as picture:
                if getattr(picture, "n_frames", 1) > 1:
                    raise ValueError(f"it has {picture.n_frames} frames, and one is wanted")
                if picture.mode == "I" and picture.format == "PNG":  # 16 bits, as an older Pillow opens them
                    return _scaled(picture)
                return _rgb(operations.exif_transpose(picture))
    except Exception as error:  # readers of broken files raise what they like
        raise ValueError(f"{path}: {error}") from error


def _rgb(picture: Image) -> Image:
    if picture.mode in SIXTEEN_BITS:
        return _scaled(picture)
    if picture.mode in WITH_ALPHA or "transparency" in picture.info:
        white = importlib.import_module("PIL.Image").new("RGBA", picture.size, "white")
        white.alpha_composite(picture.convert("RGBA"))
        return white.convert("RGB")
    if picture.mode in PLAIN or picture.mode == "P":
        return picture.convert("RGB")
    raise ValueError(f"its mode is {picture.mode}, which 8 bits cannot hold in one way; convert it to RGB")


def _scaled(picture: Image) -> Image:
    """Return 16-bit grey in 8 bits: 65,535 / 257 = 255. Pillow itself would make all from 256 on white."""
    if "transparency" in picture.info:
        raise ValueError("it has 16 bits and a transparent colour; convert it to RGB")
    grey = (numpy.asarray(picture).astype(numpy.float64) / 257).round()
    return importlib.import_module("PIL.Image").fromarray(grey.astype(numpy.uint8)).convert("RGB")
