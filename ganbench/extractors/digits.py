"""A small classifier of 8×8 digits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganbench.assets.digits import digit_images
from ganbench.core.lazy import F, Tensor, torch
from ganbench.extractors._trained import BATCH, BLENDS, CLASSES, RATE, WIDTH, TrainedClassifier, shifted, with_outliers

if TYPE_CHECKING:
    from ganbench.extractors._trained import Weights

WEIGHTS_VERSION = 2
SIDE, HIDDEN = 8, 256
STEPS = 3000
NOISE = 8  # samples of each of two kinds of noise, beside each batch
LAYERS = ((SIDE**2, HIDDEN), (HIDDEN, WIDTH), (WIDTH, CLASSES))  # inputs and outputs


@dataclass(frozen=True)
class Digits(TrainedClassifier):
    """64 features of a fully connected classifier (64–256–64–10) of scikit-learn's digits, before its last layer.

    It is trained once on the training split, with shifts of a pixel, and to be uncertain about images that are no
    digit, from a fixed seed on one thread, and cached; it must be right on 0.97 of the held-out digits.
    """

    name = "digits"
    version = 2
    source = (
        "trained here on Alpaydin & Kaynak 1998, with the outlier exposure of Hendrycks et al. 2019, arXiv:1812.04606; "
        "the role of Inception in Heusel et al. 2017, arXiv:1706.08500"
    )
    usual_size = SIDE
    least_accuracy = 0.97
    remedy = "run `ganbench doctor`, its versions of torch or scikit-learn may be broken"
    shapes = {f"w{i}": layer for i, layer in enumerate(LAYERS, 1)} | {
        f"b{i}": layer[1:] for i, layer in enumerate(LAYERS, 1)
    }

    def recipe(self) -> tuple[object, ...]:
        """Return what decides the weights beside the digits and torch's version."""
        return (WEIGHTS_VERSION, LAYERS, STEPS, BATCH, RATE, NOISE, BLENDS)

    def folder(self) -> None:
        """Return None: scikit-learn brings the digits."""

    def examples(self, *, held: bool) -> tuple[Tensor, Tensor]:
        """Return images `[N, 1, 8, 8]` in [-1, 1] and labels `[N]`, to train on or held out."""
        return digit_images()[held]

    def as_images(self, scans: Tensor, size: int) -> Tensor:
        """Return the images as they are: they have one size."""
        return scans

    def initial_weights(self, generator: torch.Generator) -> Weights:
        """Return weights from He's initialisation, and biases of zero."""
        weights: Weights = {}
        for i, (fan_in, fan_out) in enumerate(LAYERS, start=1):
            weights[f"w{i}"] = torch.randn(fan_in, fan_out, generator=generator) * (2 / fan_in) ** 0.5
            weights[f"b{i}"] = torch.zeros(fan_out)
        return weights

    def steps(self, examples: int) -> int:
        """Return 3,000."""
        return STEPS

    def batch(self, scans: Tensor, labels: Tensor, step: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return shifted, slightly noisy digits, and shuffled pixels, uniform noise and blends of two digits."""
        moved = shifted(scans.squeeze(1), 1, -1.0, generator)
        images = moved + 0.1 * torch.randn(moved.shape, generator=generator)
        order, uniform = torch.rand(2, NOISE, SIDE**2, generator=generator)
        noise = torch.cat((images[:NOISE].flatten(1).gather(1, order.argsort(1)), 2 * uniform - 1))
        return with_outliers(images, labels, noise.reshape(-1, 1, SIDE, SIDE), generator)

    def features(self, weights: Weights, images: Tensor) -> Tensor:
        """Return features `[n, 64]` of images `[n, 1, 8, 8]` in [-1, 1], all in one matrix product per layer."""
        h = F.relu(images.flatten(-3) @ weights["w1"] + weights["b1"])
        return F.relu(h @ weights["w2"] + weights["b2"])

    def logits(self, weights: Weights, features: Tensor) -> Tensor:
        """Return logits `[..., 10]` of features `[..., 64]`."""
        return features @ weights["w3"] + weights["b3"]
