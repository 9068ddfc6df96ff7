"""Images kept as bytes, a quarter of the memory, and how a classifier's probabilities become modes."""

from __future__ import annotations

from ganbench.core.lazy import F, Tensor, torch
from ganbench.core.pixels import scaled
from ganbench.datasets._prefetch import Prefetch, gathered

CHUNK = 256


class ByteImages:
    """Images with a part that training never sees; no mode is known until `weights` and `confidence` are set.

    Args:
        train: `[N, C, H, W]` uint8. held: `[M, C, H, W]` uint8.
        device: where samples are returned.
        streamed: leave the bytes where they are, and fetch those of the next few steps while the current one computes.
    """

    def __init__(self, train: Tensor, held: Tensor, device: torch.device, streamed: bool = False) -> None:
        self.device = device
        self.rows, self.held = (train, held) if streamed else (train.to(device), held.to(device))
        self.weights, self.confidence = torch.zeros(0, dtype=torch.float64, device=device), 0.0
        self._prefetch = Prefetch(train, device) if streamed else None

    @property
    def train(self) -> Rows:
        """Return the training images, to be read in slices for metrics that ask for them."""
        return Rows(self.rows, self.device)

    def sample_indices(self, generator: torch.Generator, n: int) -> Tensor:
        """Return `n` row indices, each equally likely, with replacement."""
        return torch.randint(len(self.rows), (n,), generator=generator, device=self.device)

    def prefetch(self, block: Tensor) -> None:
        """Start to fetch the rows that training gathers next, `[steps, …]`, where the images are streamed."""
        if self._prefetch is not None:
            self._prefetch.prefetch(block)

    def gather(self, indices: Tensor) -> Tensor:
        """Return the images of row indices with any leading axes, in [-1, 1]."""
        return scaled(self.rows[indices] if self._prefetch is None else self._prefetch.gather(indices))

    def heldout(self, generator: torch.Generator, n: int) -> Tensor:
        """Return up to `n` held-out images in random order."""
        order = torch.randperm(len(self.held), generator=generator, device=self.device)
        return scaled(gathered(self.held, order[:n], self.device))

    def assign(self, samples: Tensor, probabilities: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the most probable class of each image, and whether it is certain; mode 0 where none are known."""
        return sure_mode(samples, probabilities, self.weights, self.confidence)


class Rows:
    """Bytes whose slices are images `[n, C, H, W]` in [-1, 1]: all at once they would take four times the memory."""

    def __init__(self, rows: Tensor, device: torch.device) -> None:
        self._rows, self._device = rows, device

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._rows)

    def __getitem__(self, rows: slice) -> Tensor:
        """Return the images of some rows, on the device."""
        return scaled(self._rows[rows].to(self._device))


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


def sure_mode(
    samples: Tensor, probabilities: Tensor | None, weights: Tensor, confidence: float
) -> tuple[Tensor, Tensor]:
    """Return `sure_class`; if `weights` is empty, mode 0 and low quality for all samples `[..., n, C, H, W]`."""
    if len(weights):
        return sure_class(probabilities, confidence)
    mode = torch.zeros(samples.shape[:-3], dtype=torch.int64, device=samples.device)
    return mode, torch.zeros_like(mode, dtype=torch.bool)


def sure_class(probabilities: Tensor | None, confidence: float) -> tuple[Tensor, Tensor]:
    """Return the most probable class of `[..., n, K]`, and whether its probability is at least `confidence`."""
    if probabilities is None:
        raise ValueError("labelled images need an extractor that gives class probabilities")
    largest, mode = probabilities.max(dim=-1)
    return mode, largest >= confidence
