"""Labelled images that fit on the device: one tensor, gathered by index."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganbench.core.lazy import torch

if TYPE_CHECKING:
    from torch import Generator, Tensor


class LabelledImages:
    """Images in [-1, 1] with a part that training never sees; the classes are the modes.

    Args:
        train: `[N, C, H, W]`. labels: `[N]`, 0 to K − 1. held: `[M, C, H, W]`.
        confidence: the classifier's largest probability from which on a sample is of high quality.
    """

    def __init__(self, train: Tensor, labels: Tensor, held: Tensor, confidence: float, device: torch.device) -> None:
        self.train, self.held, self.confidence = train.to(device), held.to(device), confidence
        self.weights = labels.bincount().double().to(device) / len(labels)

    def sample_indices(self, generator: Generator, n: int) -> Tensor:
        """Return `n` row indices, each equally likely, with replacement."""
        return torch.randint(len(self.train), (n,), generator=generator, device=self.train.device)

    def gather(self, indices: Tensor) -> Tensor:
        """Return the images of row indices with any leading axes."""
        return self.train[indices]

    def heldout(self, generator: Generator, n: int) -> Tensor:
        """Return up to `n` held-out images in random order."""
        order = torch.randperm(len(self.held), generator=generator, device=self.held.device)
        return self.held[order[:n]]

    def assign(self, samples: Tensor, probabilities: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the classifier's class of each image and whether it is sure of it."""
        return sure_class(probabilities, self.confidence)


def sure_mode(
    samples: Tensor, probabilities: Tensor | None, weights: Tensor, confidence: float
) -> tuple[Tensor, Tensor]:
    """Return `sure_class`; mode 0, of low quality, for all of `[..., n, C, H, W]` where `weights` is empty."""
    if len(weights):
        return sure_class(probabilities, confidence)
    mode = torch.zeros(samples.shape[:-3], dtype=torch.int64, device=samples.device)
    return mode, torch.zeros_like(mode, dtype=torch.bool)


def sure_class(probabilities: Tensor | None, confidence: float) -> tuple[Tensor, Tensor]:
    """Return the likeliest class of `[..., n, K]` and whether its probability is at least `confidence`."""
    if probabilities is None:
        raise ValueError("labelled images need an extractor that gives class probabilities")
    sure, mode = probabilities.max(dim=-1)
    return mode, sure >= confidence
