"""A small classifier of MNIST's digits."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.assets.data_folder import DOWNLOAD, data_folder
from ganbench.assets.mnist import mnist_files
from ganbench.core.errors import GanbenchError, UsageError
from ganbench.core.lazy import torch
from ganbench.extractors import Extractor
from ganbench.extractors import _scans as scans
from ganbench.extractors._cache import read_weights, write_weights

if TYPE_CHECKING:
    from torch import Tensor

    from ganbench.extractors._scans import Weights

LEAST_ACCURACY = 0.99
USUAL_SIZE = 32
WEIGHTS_VERSION = 1


@dataclass(frozen=True)
class MNIST(Extractor):
    """64 features of a convolutional classifier of MNIST (32 and 64 maps, 64 units, 10 classes), before its last layer.

    Trained once on the training scans in `$GANBENCH_DATA`, shifted, noisy and at 16 and 32 pixels, and to be unsure of
    images that are no digit, from a fixed seed on one thread (about a minute), and cached. At the size of the images
    that it is asked about it must be right on 0.99 of the test scans. Images are resized to 28 pixels, antialiased.
    """

    name = "mnist"
    source = (
        "trained here on LeCun et al. 1998, with the outlier exposure of Hendrycks et al. 2019, arXiv:1812.04606; "
        "the role of Inception in Heusel et al. 2017, arXiv:1706.08500"
    )

    def prepare(self) -> None:
        """Train the classifier, or find it in the user's cache.

        Raises:
            UsageError: MNIST's files are not there, or they are broken.
            GanbenchError: its accuracy on test scans of 32 pixels is below 0.99.
        """
        _weights(data_folder())

    def weights_hash(self) -> str:
        """Return the first 8 hexadecimal digits of the SHA-256 of the scans and labels that it is trained on.

        Raises:
            UsageError: the files are not there, or they are broken.
        """
        return _content(data_folder())[:8]

    def extract(self, samples: Tensor) -> Tensor:
        """Return `[..., n, 64]` features of images `[..., n, 1, H, W]` in [-1, 1].

        Each set is computed on its own: its features have the same bits whatever lies beside it.
        """
        known = _known(data_folder(), samples.shape[-1])
        weights = {name: w.to(samples.device) for name, w in known.items()}
        sets = samples.flatten(0, -5) if samples.dim() > 4 else samples.unsqueeze(0)
        with torch.no_grad():
            found = [torch.cat([scans.features(weights, x) for x in one.split(scans.CHUNK)]) for one in sets]
            return torch.stack(found).reshape(*samples.shape[:-3], scans.WIDTH)

    def class_probabilities(self, features: Tensor) -> Tensor:
        """Return the class probabilities `[..., n, 10]` of features `[..., n, 64]`."""
        weights = {name: w.to(features.device) for name, w in _weights(data_folder()).items()}
        with torch.no_grad():
            return torch.softmax(scans.logits(weights, features), dim=-1)


@functools.cache
def _weights(folder: Path) -> Weights:
    """Return the weights of the classifier of the files in `folder` from the cache, or train and write them there."""
    path = cache_file(folder)
    held = _read(folder, held=True)
    cached = read_weights(path, scans.SHAPES)
    if cached is not None and scans.accuracy(cached, *held, USUAL_SIZE) >= LEAST_ACCURACY:
        return cached
    weights = scans.train(*_read(folder, held=False))
    require_accuracy(scans.accuracy(weights, *held, USUAL_SIZE), USUAL_SIZE, LEAST_ACCURACY)
    write_weights(path, weights)
    return weights


@functools.cache
def _known(folder: Path, size: int) -> Weights:
    """Return the weights where they are good enough for images of `size` pixels."""
    weights = _weights(folder)
    if size != USUAL_SIZE:
        require_accuracy(scans.accuracy(weights, *_read(folder, held=True), size), size, LEAST_ACCURACY)
    return weights


def require_accuracy(found: float, size: int, least: float) -> None:
    """Look whether the classifier is good enough to judge by.

    Raises:
        GanbenchError: it is not.
    """
    if found < least:
        raise GanbenchError(
            f"extractor mnist: the classifier is right on {found:.3f} of the test scans of {size} pixels and must be "
            f"on {least}; are the files in {data_folder()} MNIST's? choose a larger size, or extractor: pixels"
        )


def cache_file(folder: Path) -> Path:
    """Return where the weights are kept: a name that changes with the recipe, the data and torch."""
    from platformdirs import user_cache_dir

    recipe = (
        WEIGHTS_VERSION,
        scans.SHAPES,
        scans.SIZES,
        *(scans.EPOCHS, scans.LEAST_STEPS, scans.BATCH, scans.RATE),
        *(scans.SHIFT, scans.KIND, scans.BLENDS),
        torch.__version__,
        _content(folder),
    )
    digest = hashlib.sha256(repr(recipe).encode()).hexdigest()
    return Path(user_cache_dir("ganbench")) / f"mnist-{digest[:16]}.pt"


@functools.cache
def _content(folder: Path) -> str:
    """Return the SHA-256 of the training scans and their labels."""
    images, labels = _read(folder, held=False)
    return hashlib.sha256(images.numpy().tobytes() + labels.numpy().tobytes()).hexdigest()


def _read(folder: Path, *, held: bool) -> tuple[Tensor, Tensor]:
    """Return scans `[N, 28, 28]` uint8 and labels `[N]`, to train on or held out."""
    try:
        files = mnist_files(folder, held=held)
    except Exception as error:  # readers of broken files raise what they like
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UsageError(
            f"extractor mnist: the scans that its classifier learns from cannot be read from {folder} ({reason}); "
            f"{DOWNLOAD.format(name='mnist')}"
        ) from error
    return files.data, files.targets
