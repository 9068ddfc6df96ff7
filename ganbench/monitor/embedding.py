"""Few numbers for any samples: what a monitor compares where it was given no features."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

MOST = 64  # numbers of an embedding
SIDE = 8  # pixels that an image is averaged to
SMALLEST_IMAGE = 4  # pixels, from where [C, H, W] is an image
BANDS, TIMES = 16, 4  # of the log-mel embedding: 16 · 4 = 64
WINDOW, RATE = 512, 22_050.0  # samples of a spectrum, and the rate that mel bands are laid out for
QUIET = 1e-5  # added to powers before the logarithm
SEED = 5_113


@dataclass(frozen=True)
class Embedding:
    """A function of samples `[n, *shape]` that returns at most 64 numbers `[n, d]` of each.

    Attributes:
        name: for the tables. function: as said. any_size: samples of another size have comparable numbers.
    """

    name: str
    function: Callable[[Tensor], Tensor]
    any_size: bool


def embedding_of(shape: tuple[int, ...], kind: str | None = None) -> Embedding:
    """Return the embedding of samples of a shape.

    Images `[C, H, W]` from 4×4 on are averaged to 8×8 pixels; several colours, 64 numbers each, are then projected to
    64. Other samples of up to 64 numbers are their own embedding. `kind="audio"` takes the logarithm of the power in 16
    mel bands and 4 quarters of the time. What is left is projected: random signs, then sums over every 64th number,
    which keeps squared distances in the mean (Charikar et al. 2002, Count Sketch).
    """
    if kind == "audio":
        return Embedding("log-mel", log_mel, any_size=True)
    if is_image(shape):
        return Embedding("pixels", pixels, any_size=True)
    if math.prod(shape) <= MOST:
        return Embedding("coordinates", lambda x: x.flatten(1), any_size=False)
    return Embedding("random projection", lambda x: projected(x.flatten(1)), any_size=False)


def is_image(shape: tuple[int, ...]) -> bool:
    """Return whether samples of a shape are images."""
    return len(shape) == 3 and min(shape[1:]) >= SMALLEST_IMAGE


def real_numbers(x: Tensor) -> Tensor:
    """Return samples of any number type as float32 (complex ones with a last axis of two), without their graph."""
    x = x.detach()
    if x.is_complex():
        x = torch.view_as_real(x.resolve_conj())
    return x.float()


def pixels(images: Tensor) -> Tensor:
    """Return images `[n, C, H, W]` averaged to 8×8, `[n, 64]`."""
    flat = F.adaptive_avg_pool2d(images, SIDE).flatten(1)
    return flat if flat.shape[1] <= MOST else projected(flat)


def projected(flat: Tensor) -> Tensor:
    """Return vectors `[n, d]` as `[n, 64]`: signs that are the same for each d, then the sum of every 64th number."""
    d = flat.shape[1]
    signs = torch.randint(2, (d,), generator=torch.Generator().manual_seed(SEED), dtype=torch.int8) * 2 - 1
    signed = flat * signs.to(flat.device)
    return F.pad(signed, (0, -d % MOST)).unflatten(1, (-1, MOST)).sum(1)


def log_mel(waves: Tensor) -> Tensor:
    """Return waves `[n, …, T]`, averaged over channels, as log powers `[n, 64]` of 16 mel bands in 4 quarters."""
    mono = waves.flatten(1, -2).mean(1) if waves.dim() > 2 else waves
    mono = F.pad(mono, (0, max(0, WINDOW - mono.shape[1])))
    window = torch.hann_window(WINDOW, device=mono.device)
    spectrum = torch.stft(mono, WINDOW, WINDOW // 2, window=window, center=False, return_complex=True)
    powers = (spectrum.abs().square().mT @ _mel_bands(mono.device)).mT  # [n, bands, frames]
    return (F.adaptive_avg_pool1d(powers, TIMES) + QUIET).log().flatten(1)


def _mel_bands(device: torch.device) -> Tensor:
    """Return triangles `[WINDOW / 2 + 1, BANDS]`, evenly spaced in mel (O'Shaughnessy 1987), each of sum one."""
    top = 2595 * math.log10(1 + RATE / 2 / 700)
    edges = 700 * (10 ** (torch.linspace(0, top, BANDS + 2) / 2595) - 1)
    frequency = torch.linspace(0, RATE / 2, WINDOW // 2 + 1).unsqueeze(1)
    rising = (frequency - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequency) / (edges[2:] - edges[1:-1])
    triangles = torch.minimum(rising, falling).clamp(min=0.0)
    # A band narrower than the distance of two frequencies takes the nearest one.
    nearest = (frequency - edges[1:-1]).abs().argmin(0)
    empty = triangles.sum(0) == 0
    triangles[nearest[empty], empty.nonzero().squeeze(1)] = 1.0
    return (triangles / triangles.sum(0)).to(device)
