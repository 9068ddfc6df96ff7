"""A small convolutional classifier of MNIST's digits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.assets.data_folder import DOWNLOAD, data_folder
from ganbench.assets.mnist import mnist_files
from ganbench.core.errors import UsageError, reason
from ganbench.core.lazy import F, Tensor, torch
from ganbench.core.pixels import scaled
from ganbench.extractors._trained import (
    BATCH,
    BLENDS,
    CLASSES,
    RATE,
    WIDTH,
    TrainedClassifier,
    content_hash,
    shifted,
    with_outliers,
)

if TYPE_CHECKING:
    from ganbench.extractors._trained import Weights

WEIGHTS_VERSION = 1
SIDE = 28
MAPS, KERNELS = (32, 64), (5, 3)
FLAT = MAPS[1] * (SIDE // 4) ** 2
SIZES = (16, 32)  # of images that it is trained on, in turn; larger ones are shrunk, as those of 32 are
EPOCHS, LEAST_STEPS = 10, 600
SHIFT = 2  # pixels
NOISE = 6  # samples of each of four kinds of noise, beside each batch
CHUNK = 1000  # images at a time: the first layer's output is six times as large as they are


@dataclass(frozen=True)
class MNIST(TrainedClassifier):
    """64 features of a convolutional classifier of MNIST (32 and 64 maps, 64 units, 10 classes), before its last layer.

    It is trained once on the training scans in `$GANBENCH_DATA`, shifted, noisy and at 16 and 32 pixels, and to be
    uncertain about images that are no digit, from a fixed seed on one thread (about a minute), and cached. It must be
    right on 0.99 of the test scans at the size of the images it is given. They are resized to 28 pixels, antialiased.
    """

    name = "mnist"
    source = (
        "trained here on LeCun et al. 1998, with the outlier exposure of Hendrycks et al. 2019, arXiv:1812.04606; "
        "the role of Inception in Heusel et al. 2017, arXiv:1706.08500"
    )
    usual_size = 32
    least_accuracy = 0.99
    remedy = "are the files in {folder} MNIST's? choose a larger size, or extractor: pixels"
    shapes = {
        "k1": (MAPS[0], 1, KERNELS[0], KERNELS[0]),
        "b1": (MAPS[0],),
        "k2": (MAPS[1], MAPS[0], KERNELS[1], KERNELS[1]),
        "b2": (MAPS[1],),
        "w3": (FLAT, WIDTH),
        "b3": (WIDTH,),
        "w4": (WIDTH, CLASSES),
        "b4": (CLASSES,),
    }

    def weights_hash(self) -> str:
        """Return the first 8 hexadecimal digits of the SHA-256 of the scans and labels that it is trained on.

        Raises:
            UsageError: the files are missing or broken.
        """
        return content_hash(self, self.folder())[:8]

    def recipe(self) -> tuple[object, ...]:
        """Return what decides the weights beside the scans and torch's version."""
        training = (SIZES, EPOCHS, LEAST_STEPS, BATCH, RATE, SHIFT, NOISE, BLENDS)
        return (WEIGHTS_VERSION, self.shapes, *training)

    def folder(self) -> Path:
        """Return the data folder."""
        return data_folder()

    def examples(self, *, held: bool) -> tuple[Tensor, Tensor]:
        """Return scans `[N, 28, 28]` uint8 and labels `[N]`, to train on or held out.

        Raises:
            UsageError: the files are missing or broken.
        """
        try:
            files = mnist_files(self.folder(), held=held)
        except Exception as error:  # readers of broken files raise what they like
            raise UsageError(
                f"extractor mnist: the scans that its classifier learns from cannot be read from {self.folder()} "
                f"({reason(error)}); {DOWNLOAD.format(name='mnist')}"
            ) from error
        return files.data, files.targets

    def as_images(self, scans: Tensor, size: int) -> Tensor:
        """Return bytes `[n, 28, 28]` as images `[n, 1, size, size]` in [-1, 1]."""
        return resized(scaled(scans).unsqueeze(1), size)

    def initial_weights(self, generator: torch.Generator) -> Weights:
        """Return weights from He's initialisation, and biases of zero."""
        weights: Weights = {}
        for name, shape in self.shapes.items():
            inputs = shape[0] if name.startswith("w") else torch.Size(shape[1:]).numel()
            spread = 0.0 if name.startswith("b") else (2 / inputs) ** 0.5
            weights[name] = spread * torch.randn(shape, generator=generator)
        return weights

    def steps(self, examples: int) -> int:
        """Return ten epochs of batches, at least 600."""
        return max(LEAST_STEPS, EPOCHS * examples // BATCH)

    def batch(self, scans: Tensor, labels: Tensor, step: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return shifted, slightly noisy digits and outliers, as they come out of 16 and 32 pixels in turn.

        The noise is shuffled pixels, uniform numbers, fine and coarse, and one grey all over.
        """
        moved = scaled(shifted(scans, SHIFT, 0, generator))
        images = moved + 0.1 * torch.randn(moved.shape, generator=generator)
        order = torch.rand(NOISE, SIDE**2, generator=generator).argsort(1)
        fine, coarse, grey = (2 * torch.rand(NOISE, 1, s, s, generator=generator) - 1 for s in (SIDE, 7, 1))
        noise = (
            images[:NOISE].flatten(1).gather(1, order).reshape(-1, 1, SIDE, SIDE),
            fine,
            F.interpolate(coarse, (SIDE, SIDE), mode="bilinear", align_corners=False),
            grey.expand(-1, -1, SIDE, SIDE),
        )
        images, targets = with_outliers(images, labels, torch.cat(noise), generator)
        return resized(resized(images, SIZES[step % len(SIZES)]), SIDE), targets

    def features(self, weights: Weights, images: Tensor) -> Tensor:
        """Return features `[n, 64]` of images `[n, 1, H, W]` in [-1, 1]."""
        return torch.cat([_features(weights, part) for part in images.split(CHUNK)])

    def logits(self, weights: Weights, features: Tensor) -> Tensor:
        """Return logits `[..., 10]` of features `[..., 64]`."""
        return features @ weights["w4"] + weights["b4"]


def _features(weights: Weights, images: Tensor) -> Tensor:
    h = F.relu(F.conv2d(resized(images, SIDE), weights["k1"], weights["b1"], stride=2, padding=2))
    h = F.relu(F.conv2d(h, weights["k2"], weights["b2"], stride=2, padding=1))
    return F.relu(h.flatten(1) @ weights["w3"] + weights["b3"])


def resized(images: Tensor, side: int) -> Tensor:
    """Return images `[n, 1, H, W]` at `side` pixels, antialiased."""
    if images.shape[-2:] == (side, side):
        return images
    return F.interpolate(images, (side, side), mode="bilinear", antialias=True, align_corners=False)
