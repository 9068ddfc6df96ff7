"""Picture files that are not what they seem: right, or refused by name; never misread in silence."""

# ruff: noqa: E501 - values stand side by side

from __future__ import annotations

import os
import socket
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.faults.throws import NOTICED, OTHER, SAME, Throw

SECONDS = 30
EXPECTED = "read as it is meant, or refused in one line that names it"
GREY = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)


def throws() -> Iterator[Throw]:
    """Return all throws of this kind."""
    for name, (write, expected) in PICTURES.items():
        yield Throw("pictures", name, EXPECTED, _thrown(write, expected))
    for name, (write, expected) in MORE.items():
        yield Throw("more pictures", f"picture: {name}", EXPECTED, _thrown(write, expected), SECONDS)
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


def _oriented(orientation: int, ending: str = "png") -> tuple[Callable[[Path], object], np.ndarray]:
    """Return a picture that is turned to be upright, and how it looks then: by hand, from the table of EXIF's 274."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = {
        1: COLOURS, 2: COLOURS[:, ::-1], 3: COLOURS[::-1, ::-1], 4: COLOURS[::-1], 5: COLOURS.transpose(1, 0, 2),
        6: COLOURS.transpose(1, 0, 2)[:, ::-1], 7: COLOURS.transpose(1, 0, 2)[::-1, ::-1], 8: COLOURS.transpose(1, 0, 2)[::-1],
    }  # fmt: skip
    options: dict[str, Any] = {"lossless": True, "exact": True} if ending == "webp" else {}
    return _saved(Image.fromarray(COLOURS), f"bad.{ending}", exif=exif, **options), upright.get(orientation, COLOURS)


def _cut(picture: Image.Image, name: str, share: float) -> Callable[[Path], object]:
    """Write the first part of a file."""

    def write(folder: Path) -> None:
        picture.save(folder / name)
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: int(share * len(content))])

    return write


def _png(width: int, height: int, bits: int, kind: int, rows: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """Return a PNG file by its specification, of what Pillow cannot write."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    parts = (
        chunk(b"IHDR", head),
        *(chunk(*one) for one in chunks),
        chunk(b"IDAT", zlib.compress(rows)),
        chunk(b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _bytes(content: bytes, name: str = "bad.png") -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


def _named(name: str | bytes) -> Callable[[Path], object]:
    """Write a picture under a name that sorts behind all others."""
    content = _png(16, 16, 8, 2, b"".join(b"\0" + row.tobytes() for row in COLOURS))
    return lambda folder: (folder / os.fsdecode(name)).write_bytes(content)


def _loop(folder: Path) -> None:
    (folder / "bad").symlink_to(folder)


def _loop_of_classes(folder: Path) -> None:
    (folder.parent / "zz").symlink_to(folder.parent)


def _linked(folder: Path) -> None:
    Image.fromarray(COLOURS).save("outside/picture.png")
    (folder / "bad.png").symlink_to(Path("outside/picture.png").absolute())


def _hidden_deep(folder: Path) -> None:
    (folder / ".thumbnails/deep").mkdir(parents=True)
    Image.fromarray(COLOURS).save(folder / ".thumbnails/deep/1.png")


def _deep_folders(folder: Path) -> None:
    deep = folder / "/".join(["x"] * 200)
    deep.mkdir(parents=True)
    Image.fromarray(COLOURS).save(deep / "1.png")


_PLAIN = np.full((16, 16, 3), (200, 100, 50), np.uint8)
_CMYK = np.random.default_rng(1).integers(0, 256, (16, 16, 4), dtype=np.uint8)
_FROM_CMYK = ((255 - _CMYK[..., :3].astype(float)) * (255 - _CMYK[..., 3:].astype(float)) / 255).round()
_SIXTEEN = (COLOURS.astype(">u2") * 257).astype(">u2")  # each 8-bit value in 16 bits
_WIDE, _TALL = np.full((1, 65535, 3), 77, np.uint8), np.full((65535, 1, 3), 77, np.uint8)
MORE: dict[str, tuple[Callable[[Path], object], np.ndarray | None]] = {
    **{f"EXIF orientation {i} of a {ending}": _oriented(i, ending) for ending in ("png", "webp", "tif") for i in range(1, 9)},
    "EXIF orientation 0": _oriented(0), "EXIF orientation 9": _oriented(9),
    "CMYK TIFF": (_saved(Image.fromarray(_CMYK, "CMYK"), "bad.tif"), _FROM_CMYK),
    "CMYK JPEG": (_saved(Image.new("CMYK", (16, 16), (0, 0, 0, 128)), "bad.jpg", quality=100), np.full((16, 16, 3), 127)),
    "LAB TIFF": (_saved(Image.fromarray(COLOURS).convert("LAB"), "bad.tif"), None),
    "YCbCr JPEG of one colour": (_saved(Image.fromarray(_PLAIN).convert("YCbCr"), "bad.jpg", quality=100, subsampling=0), _PLAIN),
    "1-bit TIFF": (_saved(Image.fromarray(HALF).convert("1"), "bad.tif"), _rgb(HALF)),
    "1-bit palette": (_bytes(_png(16, 16, 1, 3, (b"\0\0\xff") * 16, (b"PLTE", bytes((9, 8, 7, 200, 100, 50))))),
                      np.where(HALF[..., None] == 255, (200, 100, 50), (9, 8, 7))),
    "2-bit grey PNG": (_bytes(_png(16, 16, 2, 0, (b"\0" + bytes([0b00011011] * 4)) * 16)), _rgb(np.tile([0, 85, 170, 255], (16, 4)))),
    "4-bit grey PNG": (_bytes(_png(16, 16, 4, 0, (b"\0" + bytes([0x0F] * 8)) * 16)), _rgb(np.tile([0, 255], (16, 8)))),
    "16-bit colour PNG": (_bytes(_png(16, 16, 16, 2, b"".join(b"\0" + row.tobytes() for row in _SIXTEEN))), COLOURS),
    "16-bit grey PNG with alpha": (_bytes(_png(16, 16, 16, 4, b"".join(b"\0" + np.stack([_SIXTEEN[i, :, 0], HALF[i].astype(">u2") * 257], -1).astype(">u2").tobytes() for i in range(16)))),
                                   np.where(HALF[..., None] == 255, _rgb(COLOURS[..., 0]), 255)),
    "a grey PNG with a transparent grey": (_bytes(_png(16, 16, 8, 0, b"".join(b"\0" + row.tobytes() for row in HALF), (b"tRNS", b"\0\0"))), _rgb(np.full((16, 16), 255))),
    "float TIFF of 64 bits": (_bytes(b"II*\0\x08\0\0\0\0\0", "bad.tif"), None),
    "two pages of TIFF": (_saved(Image.fromarray(COLOURS), "bad.tif", save_all=True, append_images=[Image.fromarray(COLOURS)]), None),
    "APNG": (_saved(Image.fromarray(COLOURS), "bad.png", save_all=True, append_images=[Image.fromarray(255 - COLOURS)]), None),
    "an animated GIF that is called .png": (lambda folder: Image.fromarray(COLOURS).save(folder / "bad.png", "GIF", save_all=True, append_images=[Image.fromarray(255 - COLOURS)]), None),
    "a GIF": (_saved(Image.fromarray(COLOURS), "bad.gif"), None),
    "a BMP that is called .png": (lambda folder: Image.fromarray(COLOURS).save(folder / "bad.png", "BMP"), COLOURS),
    "capitals in the ending": (_saved(Image.fromarray(COLOURS), "bad.PNG"), COLOURS),
    "a truncated JPEG": (_cut(Image.fromarray(COLOURS).resize((64, 64)), "bad.jpg", 0.6), None),
    "a truncated PNG": (_cut(Image.fromarray(COLOURS), "bad.png", 0.6), None),
    "a PNG without its end": (_cut(Image.fromarray(COLOURS), "bad.png", 0.97), None),
    "a truncated WebP": (_cut(Image.fromarray(COLOURS), "bad.webp", 0.6), None),
    "a PNG of a wrong checksum": (_bytes(_png(16, 16, 8, 2, bytes(16 * 49))[:-30] + b"xxxx" + _png(16, 16, 8, 2, bytes(16 * 49))[-26:]), None),
    "a PNG of no pixels": (_bytes(_png(0, 16, 8, 2, b"")), None),
    "a PNG of 2^31 pixels": (_bytes(_png(2**31 - 1, 2**31 - 1, 8, 2, b"\0")), None),
    "a bomb of a PNG": (_bytes(_png(30_000, 30_000, 1, 0, bytes(3751) * 30_000)), None),
    "one pixel": (_saved(Image.new("RGB", (1, 1), (9, 99, 199))), np.full((16, 16, 3), (9, 99, 199))),
    "65535 x 1": (_saved(Image.fromarray(_WIDE)), np.full((16, 16, 3), 77)), "1 x 65535": (_saved(Image.fromarray(_TALL)), np.full((16, 16, 3), 77)),
    "a name with a line end": (_named("b\nad.png"), COLOURS), "a name of bytes": (_named(b"z\xff\xfe.png"), COLOURS),
    "a name of 255 bytes": (_named("z" * 251 + ".png"), COLOURS), "a name with markup": (_named("z<b>&.png"), COLOURS),
    "a name with escapes": (_named("z\x1b[31m.png"), COLOURS), "a name with a tilde": (_named("~root.png"), COLOURS),
    "a name of spaces": (_named("z .png"), COLOURS), "a name of combining letters": (_named("ze\u0301.png"), COLOURS),
    "a broken picture whose name has a line end": (lambda folder: (folder / "b\nad.png").write_text("x"), None),
    "a broken picture whose name is bytes": (lambda folder: (folder / os.fsdecode(b"z\xff.png")).write_text("x"), None),
    "a loop within a class": (_loop, None), "a loop of classes": (_loop_of_classes, None), "a link outside": (_linked, COLOURS),
    "a hidden folder deep in a class": (_hidden_deep, None), "200 folders deep": (_deep_folders, COLOURS),
    "Windows' own file": (lambda folder: (folder / "Thumbs.db").write_bytes(b"x"), None),
    "a file beside the classes": (lambda folder: (folder.parent / "bad.png").write_bytes(b"x"), None),
    "a device": (lambda folder: (folder / "bad.png").symlink_to("/dev/zero"), None),
    "a socket": (lambda folder: socket.socket(socket.AF_UNIX).bind(os.path.relpath(folder / "bad.png")), None),
    "nobody may read it": (lambda folder: ((folder / "bad.png").write_bytes(b""), (folder / "bad.png").chmod(0)), None),
}  # fmt: skip
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
