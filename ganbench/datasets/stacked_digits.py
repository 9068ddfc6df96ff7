"""Three handwritten digits in the three colours of one image: a thousand modes of real data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Interval

from ganbench.assets.digits import digit_images
from ganbench.core.lazy import Tensor, torch
from ganbench.datasets import Dataset
from ganbench.datasets._bytes import sure_class

if TYPE_CHECKING:
    from ganbench.datasets import Data

CLASSES = 10


@dataclass(frozen=True)
class StackedDigits(Dataset):
    """Three independent scans of `digits` as red, green and blue, 3×8×8 in [-1, 1]; the 1,000 triples are the modes.

    Mode 100a + 10b + c has the digits a, b, c in this order. Every minibatch stacks fresh triples of the 1,352 training
    scans; held-out ones are made of the 445 scans that training never sees. A sample is of high quality where the
    classifier gives its whole triple a probability of at least `confidence`: at 0.6 about 88 % of held-out triples are.
    """

    name = "stacked_digits"
    source = "the stacked MNIST of Metz et al. 2017, arXiv:1611.02163, section 3.3.1, with scikit-learn's digits"
    traits = ("images",)
    default_extractor = "stacked_digits"

    confidence: Annotated[float, Interval(gt=0, lt=1)] = 0.6

    @property
    def shape(self) -> tuple[int, ...]:
        """Return (3, 8, 8)."""
        return (3, 8, 8)

    @property
    def modes(self) -> int:
        """Return 1000: one per triple of digits."""
        return CLASSES**3

    @property
    def preparation(self) -> str:
        """Return what becomes of the scans."""
        return "8×8 of 17 grey levels as published, three scans as colours, x/8-1, no dequantisation"

    def load(self, device: torch.device) -> Data:
        """Return the scans on a device."""
        (train, labels), (held, _) = digit_images()
        return Triples(train, labels, held, self.confidence, device)


class Triples:
    """Images of three scans each.

    Args:
        scans: `[N, 1, H, W]` to train on. labels: `[N]`, 0 to 9. held: `[M, 1, H, W]`.
        confidence: a sample is of high quality where its triple has at least this probability.
    """

    def __init__(self, scans: Tensor, labels: Tensor, held: Tensor, confidence: float, device: torch.device) -> None:
        self.scans, self.held, self.confidence = scans.squeeze(1).to(device), held.squeeze(1).to(device), confidence
        share = labels.bincount(minlength=CLASSES).double().to(device) / len(labels)
        self.weights = (share[:, None, None] * share[:, None] * share).flatten()

    def sample_indices(self, generator: torch.Generator, n: int) -> Tensor:
        """Return `[n, 3]` row indices, each scan equally likely."""
        return torch.randint(len(self.scans), (n, 3), generator=generator, device=self.scans.device)

    def gather(self, indices: Tensor) -> Tensor:
        """Return images `[..., 3, H, W]` of row indices `[..., 3]`."""
        return self.scans[indices]

    def heldout(self, generator: torch.Generator, n: int) -> Tensor:
        """Return `n` triples of held-out scans."""
        return self.held[torch.randint(len(self.held), (n, 3), generator=generator, device=self.held.device)]

    def assign(self, samples: Tensor, probabilities: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the most probable triple of each image, and whether its probability is at least `confidence`."""
        return sure_class(probabilities, self.confidence)
