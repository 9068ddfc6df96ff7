"""Pictures of samples: points as a soft scatter over the real ones, numbers as a histogram, images as a grid."""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 104  # pixels of a scatter; it is shown at half of that, or whole on a dense screen
REAL, GENERATED = (136, 136, 136), (16, 124, 192)  # grey and a blue near Okabe and Ito's, seen on white and on black
LEVELS = 6
TILES, FEW_TILES = 16, 4  # images shown, on a picture and on a thumbnail
IMAGE_SIDE = 140
SMALL_IMAGE = 16  # pixels: up to here PNG is smaller than JPEG


@dataclass(frozen=True)
class Picture:
    """A picture as a data URI with its text alternative.

    Attributes:
        uri: `data:image/…`. width, height: in CSS pixels, as it is shown.
        step: of training. text: the alternative. pixelated: it is enlarged, and its pixels should stay square.
    """

    uri: str
    width: int
    height: int
    step: int
    text: str
    pixelated: bool = False


def picture(samples: np.ndarray, real: np.ndarray, step: int, alternative: str, side: int = SIDE) -> Picture:
    """Return the picture of one run's samples `[n, *shape]` beside real ones.

    Points `[n, d]` are drawn by their first two axes on the frame of the real ones; images are `[n, C, H, W]` uint8.
    Samples that are not finite or lie outside of the frame are counted in the text. `side` is in pixels.
    """
    if samples.ndim == 4:
        tiles = samples[: TILES if side == SIDE else FEW_TILES]
        image, scale = _grid(tiles, IMAGE_SIDE if side == SIDE else side)
        text = f"{alternative}: {len(tiles)} images"
        return Picture(_uri(image), image.width * scale, image.height * scale, step, text, pixelated=scale > 1)
    low, high = frame(real)
    x = samples.astype(np.float64).reshape(len(samples), math.prod(samples.shape[1:]))[:, :2]
    inside = ((x >= low) & (x <= high)).all(axis=1)
    image = (
        _scatter(x[inside], real, low, high, side) if x.shape[1] == 2 else _histogram(x[inside], real, low, high, side)
    )
    outside = int((~inside).sum())
    text = alternative + (f"; {outside} of {len(x)} outside of the frame" if outside else "")
    return Picture(_uri(image), image.width, image.height, step, text)


def frame(real: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the corners of the real points' box with a fifth of its size around it, square."""
    x = real.astype(np.float64).reshape(len(real), -1)[:, :2]
    low, high = x.min(axis=0), x.max(axis=0)
    centre, reach = (low + high) / 2, 0.7 * float((high - low).max() or 1.0)
    return centre - reach, centre + reach


def _scatter(x: np.ndarray, real: np.ndarray, low: np.ndarray, high: np.ndarray, side: int) -> Image:
    behind = _density(real.astype(np.float64)[:, :2], low, high, side, radius=0.9 + side / 80)
    front = _density(x, low, high, side, radius=0.5 + side / 104)
    return _blend(0.55 * behind, front)


def _density(x: np.ndarray, low: np.ndarray, high: np.ndarray, side: int, radius: float) -> np.ndarray:
    """Return the opacity `[side, side]` of soft dots of that radius."""
    at = (x - low) / (high - low) * (side - 1)
    at = at[((at >= 0) & (at <= side - 1)).all(axis=1)]
    reach = int(np.ceil(radius)) + 1
    offsets = np.arange(-reach, reach + 1)
    corner = np.floor(at).astype(int)
    px = corner[:, 0] + offsets[:, None, None]
    py = corner[:, 1] + offsets[None, :, None]
    cover = np.clip(radius + 0.5 - np.hypot(px - at[:, 0], py - at[:, 1]), 0, 1)
    padded = side + 2 * reach
    cells = (side - 1 - py + reach) * padded + px + reach
    counts = np.bincount(cells.ravel(), cover.ravel(), padded**2).reshape(padded, padded)
    return 1 - np.exp(-0.8 * counts[reach:-reach, reach:-reach])


def _histogram(x: np.ndarray, real: np.ndarray, low: np.ndarray, high: np.ndarray, side: int) -> Image:
    """Return bars of the samples over those of the real ones."""
    bins, height = side // 2, side * 3 // 4
    edges = np.linspace(float(low[0]), float(high[0]), bins + 1)
    of_real = np.histogram(real.astype(np.float64).reshape(-1), edges)[0] / max(len(real), 1)
    of_fake = np.histogram(x.reshape(-1), edges)[0] / max(len(real), 1)
    top = 1.15 * float(of_real.max() or 1.0)
    rows = np.arange(height)[::-1, None] / height
    layers = [np.repeat(rows < np.minimum(h, top)[None, :] / top, 2, axis=1) for h in (of_real, of_fake)]
    return _blend(0.45 * layers[0], 0.75 * layers[1])


def _blend(behind: np.ndarray, front: np.ndarray) -> Image:
    """Return generated over real, opacities `[h, w]` each, as a palette of few colours: a small file."""
    from PIL import Image as images

    b, f = (np.rint(np.clip(a, 0, 1) * (LEVELS - 1)).astype(np.uint8) for a in (behind, front))
    colours, opacity = [], []
    for i in range(LEVELS):
        for j in range(LEVELS):
            under, over = i / (LEVELS - 1), j / (LEVELS - 1)
            alpha = over + under * (1 - over)
            share = over / alpha if alpha else 0.0
            colours += [round(share * g + (1 - share) * r) for g, r in zip(GENERATED, REAL, strict=True)]
            opacity.append(round(255 * alpha))
    image = images.fromarray(b * LEVELS + f, mode="P")
    image.putpalette(colours)
    image.info["transparency"] = bytes(opacity)
    return image


def _grid(samples: np.ndarray, size: int) -> tuple[Image, int]:
    """Return images `[n, C, H, W]` in a square, and how often it should be enlarged."""
    from PIL import Image as images

    n, channels, height, width = samples.shape
    side = int(np.ceil(np.sqrt(n)))
    # A grey line keeps neighbours apart.
    tiles = np.full((side * side, channels, height + 1, width + 1), 128, np.uint8)
    tiles[:n, :, :height, :width] = samples
    rows = tiles.reshape(side, side, channels, height + 1, width + 1).transpose(0, 3, 1, 4, 2)
    pixels = np.ascontiguousarray(rows.reshape(side * (height + 1), side * (width + 1), channels)[:-1, :-1])
    scale = max(1, round(size / pixels.shape[1]))
    return (images.fromarray(pixels[..., 0], mode="L") if channels == 1 else images.fromarray(pixels[..., :3])), scale


def _uri(image: Image) -> str:
    out = BytesIO()
    kind = "PNG" if image.mode == "P" or max(image.size) <= 4 * (SMALL_IMAGE + 1) else "JPEG"
    options = {"optimize": True} if kind == "PNG" else {"quality": 75, "optimize": True}
    if "transparency" in image.info:
        options["transparency"] = image.info["transparency"]
    image.save(out, kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(out.getvalue()).decode()}"
