"""Three handwritten digits of MNIST in the three colours of one image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Interval

from ganbench.assets.mnist import CLASSES
from ganbench.core.lazy import Tensor, torch
from ganbench.core.streams import stream
from ganbench.datasets._bytes import scaled, sure_mode
from ganbench.datasets.mnist import DigitScans

TRIPLES = 128_000


@dataclass(frozen=True)
class StackedMNIST(DigitScans):
    """Stacked MNIST: 128,000 fixed triples of MNIST's digits as red, green and blue; the 1,000 triples are the modes.

    Mode 100a + 10b + c has the digits a, b, c in this order. The triples are drawn once, from a fixed seed, of the
    60,000 training scans, which lie in memory once; held-out ones are made of the 10,000 test scans. A sample is of
    high quality where the classifier gives its whole triple a probability of at least `confidence`; the papers count
    every sample, `confidence: 0`. With another extractor no modes are known.
    """

    name = "stacked_mnist"
    source = (
        "Srivastava et al. 2017, arXiv:1705.07761, section 4.2; Metz et al. 2017, arXiv:1611.02163, section 3.3.1; "
        "the number of triples from the code of Lin et al. 2018, arXiv:1712.04086"
    )
    default_extractor = "stacked_mnist"

    extractor: Literal["stacked_mnist", "pixels", "inception", "clip", "dinov2", "vgg"] = "stacked_mnist"  # pyright: ignore[reportIncompatibleVariableOverride] - read only
    confidence: Annotated[float, Interval(ge=0, lt=1)] = 0.6

    @property
    def modes(self) -> int:
        """Return 1000, one per triple, where the classifier tells them apart; else 0."""
        return CLASSES**3 if self.extractor == self.name else 0

    @property
    def preparation(self) -> str:
        """Return what becomes of the scans."""
        return f"three scans as colours, {super().preparation}"

    def load(self, device: torch.device) -> Triples:
        """Return the scans on a device, as bytes, and which of them make the triples.

        Raises:
            UsageError: the files are missing or broken.
        """
        train, held = (self.scans(held=held) for held in (False, True))
        generator = torch.Generator().manual_seed(stream(0, "stacked_mnist triples"))
        triples = torch.randint(len(train.targets), (TRIPLES, 3), generator=generator)
        mode = train.targets[triples] @ torch.tensor([CLASSES**2, CLASSES, 1])
        share = mode.bincount(minlength=CLASSES**3).double() / TRIPLES if self.modes else torch.zeros(0).double()
        return Triples(self.pixels(train), triples, self.pixels(held), share, self.confidence, device)


class Triples:
    """Images of three scans each, which are kept once.

    Args:
        scans: `[N, 1, H, W]` uint8. triples: `[T, 3]`, the scans of each training image. held: `[M, 1, H, W]` uint8.
        weights: `[1000]`, the triples' shares; empty where no classifier knows them.
        confidence: a sample is of high quality where its triple has at least this probability.
    """

    def __init__(
        self, scans: Tensor, triples: Tensor, held: Tensor, weights: Tensor, confidence: float, device: torch.device
    ) -> None:
        self.scans, self.held = scans.squeeze(1).to(device), held.squeeze(1).to(device)
        self.triples, self.weights, self.confidence = triples.to(device), weights.to(device), confidence

    def sample_indices(self, generator: torch.Generator, n: int) -> Tensor:
        """Return `n` of the triples' indices, each equally likely, with replacement."""
        return torch.randint(len(self.triples), (n,), generator=generator, device=self.triples.device)

    def gather(self, indices: Tensor) -> Tensor:
        """Return the images `[..., 3, H, W]` of indices `[...]`, in [-1, 1]."""
        return scaled(self.scans[self.triples[indices]])

    def heldout(self, generator: torch.Generator, n: int) -> Tensor:
        """Return `n` triples of held-out scans."""
        rows = torch.randint(len(self.held), (n, 3), generator=generator, device=self.held.device)
        return scaled(self.held[rows])

    def assign(self, samples: Tensor, probabilities: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the most probable triple of each image, and whether it is certain; mode 0 where none are known."""
        return sure_mode(samples, probabilities, self.weights, self.confidence)
