"""Real handwritten digits that ship with scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval

from ganbench.assets.digits import digit_images
from ganbench.core.lazy import Tensor, torch
from ganbench.datasets import Dataset
from ganbench.datasets._bytes import sure_class
from ganbench.datasets._in_memory import InMemory


@dataclass(frozen=True)
class Digits(Dataset):
    """1,797 scans of handwritten digits, 8×8 grey, scaled to [-1, 1]; the ten classes are the modes.

    Every fourth scan of each class is held out from training: 1,352 train, 445 are held out. A sample is of high
    quality where the digits classifier gives its class a probability of at least `confidence`: at 0.6 about 97 % of
    held-out scans are, and of noise, blurred scans and blends of two digits under 1 %, none and 7 %.
    """

    name = "digits"
    source = "Alpaydin & Kaynak 1998, UCI, optical recognition of handwritten digits; scikit-learn's copy"
    traits = ("images",)
    default_extractor = "digits"

    confidence: Annotated[float, Interval(gt=0, lt=1)] = 0.6

    @property
    def shape(self) -> tuple[int, ...]:
        """Return (1, 8, 8)."""
        return (1, 8, 8)

    @property
    def modes(self) -> int:
        """Return 10: one per digit."""
        return 10

    @property
    def preparation(self) -> str:
        """Return what becomes of a scan."""
        return "8×8 of 17 grey levels as published, x/8-1, no dequantisation"

    def load(self, device: torch.device) -> LabelledImages:
        """Return the scans on a device."""
        (train, labels), (held, _) = digit_images()
        return LabelledImages(train, labels, held, self.confidence, device)


class LabelledImages(InMemory):
    """Images in [-1, 1] with a part that training never sees; the classes are the modes.

    Args:
        train: `[N, C, H, W]`. labels: `[N]`, 0 to K − 1. held: `[M, C, H, W]`.
        confidence: a sample is of high quality where its class has at least this probability.
    """

    def __init__(self, train: Tensor, labels: Tensor, held: Tensor, confidence: float, device: torch.device) -> None:
        self.train, self.held, self.confidence = train.to(device), held.to(device), confidence
        self.weights = labels.bincount().double().to(device) / len(labels)

    def heldout(self, generator: torch.Generator, n: int) -> Tensor:
        """Return up to `n` held-out images in random order."""
        order = torch.randperm(len(self.held), generator=generator, device=self.held.device)
        return self.held[order[:n]]

    def assign(self, samples: Tensor, probabilities: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the most probable class of each image, and whether its probability is at least `confidence`."""
        return sure_class(probabilities, self.confidence)
