"""Images kept as bytes: a quarter of the memory; what is drawn becomes numbers in [-1, 1]."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganbench.core.lazy import F, torch

if TYPE_CHECKING:
    from torch import Generator, Tensor

CHUNK = 256


class ByteImages:
    """Images whose modes are not known, with a part that training never sees.

    Args:
        train: `[N, C, H, W]` uint8. held: `[M, C, H, W]` uint8.
    """

    def __init__(self, train: Tensor, held: Tensor, device: torch.device) -> None:
        self.rows, self.held = train.to(device), held.to(device)
        self.weights = torch.zeros(0, dtype=torch.float64, device=device)

    @property
    def train(self) -> Tensor:
        """Return the training images `[N, C, H, W]` in [-1, 1]: four times the memory, for metrics that ask for it."""
        return scaled(self.rows)

    def draw(self, generator: Generator, n: int) -> Tensor:
        """Return `n` row indices, each equally likely, with replacement."""
        return torch.randint(len(self.rows), (n,), generator=generator, device=self.rows.device)

    def take(self, drawn: Tensor) -> Tensor:
        """Return the images of row indices with any leading axes, in [-1, 1]."""
        return scaled(self.rows[drawn])

    def heldout(self, generator: Generator, n: int) -> Tensor:
        """Return up to `n` held-out images in random order."""
        order = torch.randperm(len(self.held), generator=generator, device=self.held.device)
        return scaled(self.held[order[:n]])

    def assign(self, samples: Tensor, probabilities: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return mode 0, of low quality, for all: `weights` is empty, so nothing is counted."""
        mode = torch.zeros(samples.shape[:-3], dtype=torch.int64, device=samples.device)
        return mode, torch.zeros_like(mode, dtype=torch.bool)


def scaled(images: Tensor) -> Tensor:
    """Return bytes 0…255 as numbers -1…1; no dequantising noise is added."""
    return images.float() / 127.5 - 1


def resized(images: Tensor, size: int) -> Tensor:
    """Return the largest square in the middle of `[N, C, H, W]` uint8 at `size` pixels, antialiased, rounded to bytes.

    Bilinear with the filter widened by the scale when shrinking, as Parmar et al. 2022, arXiv:2104.11222, ask for.
    """
    side = min(images.shape[-2:])
    top, left = ((length - side) // 2 for length in images.shape[-2:])
    square = images[..., top : top + side, left : left + side]
    if side == size:
        return square.contiguous()
    parts = [
        F.interpolate(x.float(), (size, size), mode="bilinear", antialias=True, align_corners=False)
        for x in square.split(CHUNK)  # floats of a whole data set would take four times its memory, twice
    ]
    return torch.cat([part.round().clamp(0, 255).to(torch.uint8) for part in parts])
