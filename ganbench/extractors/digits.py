"""A small classifier of 8×8 digits."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.assets.digits import digit_images
from ganbench.core.errors import GanbenchError
from ganbench.core.lazy import F, torch
from ganbench.core.streams import stream
from ganbench.extractors import Extractor
from ganbench.extractors._cache import read_weights, write_weights

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS_VERSION = 2
HIDDEN, WIDTH, CLASSES = 256, 64, 10
STEPS, BATCH, RATE = 3000, 128, 2e-3
NOISE, BLENDS = 16, 32  # samples of no class beside each batch
LEAST_ACCURACY = 0.97

# Inputs and outputs of the three layers.
LAYERS = ((64, HIDDEN), (HIDDEN, WIDTH), (WIDTH, CLASSES))
_SHAPES = {f"w{i}": layer for i, layer in enumerate(LAYERS, 1)} | {
    f"b{i}": layer[1:] for i, layer in enumerate(LAYERS, 1)
}

Weights = dict[str, "Tensor"]


@dataclass(frozen=True)
class Digits(Extractor):
    """64 features of a fully connected classifier (64–256–64–10) of scikit-learn's digits, before its last layer.

    Trained once on the training split with shifts of a pixel, and to be unsure of images that are no digit, from a
    fixed seed on one thread, and cached; its held-out accuracy is checked to be at least 0.97.
    """

    name = "digits"
    version = 2
    source = (
        "trained here on Alpaydin & Kaynak 1998, with the outlier exposure of Hendrycks et al. 2019, arXiv:1812.04606; "
        "the role of Inception in Heusel et al. 2017, arXiv:1706.08500"
    )

    def prepare(self) -> None:
        """Train the classifier, or find it in the user's cache.

        Raises:
            GanbenchError: its held-out accuracy is below 0.97.
        """
        _weights()

    def extract(self, samples: Tensor) -> Tensor:
        """Return `[..., n, 64]` features of images `[..., n, 1, 8, 8]` in [-1, 1].

        Each set is a matrix product of its own: its features have the same bits whatever lies beside it.
        """
        weights = {name: w.to(samples.device) for name, w in _weights().items()}
        sets = samples.flatten(0, -5) if samples.dim() > 4 else samples.unsqueeze(0)
        with torch.no_grad():
            return torch.stack([_features(weights, x) for x in sets]).reshape(*samples.shape[:-3], WIDTH)

    def class_probabilities(self, features: Tensor) -> Tensor:
        """Return the class probabilities `[..., n, 10]` of features `[..., n, 64]`."""
        weights = _weights()
        with torch.no_grad():
            return torch.softmax(_logits({k: w.to(features.device) for k, w in weights.items()}, features), dim=-1)


def _features(w: Weights, images: Tensor) -> Tensor:
    h = F.relu(images.flatten(-3) @ w["w1"] + w["b1"])
    return F.relu(h @ w["w2"] + w["b2"])


def _logits(w: Weights, features: Tensor) -> Tensor:
    return features @ w["w3"] + w["b3"]


@functools.cache
def _weights() -> Weights:
    """Return the classifier's weights from the cache, or train them and write them there."""
    path = cache_file()
    cached = read_weights(path, _SHAPES)
    if cached is not None and accuracy(cached) >= LEAST_ACCURACY:
        return cached
    weights = train()
    found = accuracy(weights)
    if found < LEAST_ACCURACY:
        raise GanbenchError(
            f"features/digits: the classifier is right on {found:.3f} of the held-out digits and must be on "
            f"{LEAST_ACCURACY}; run `ganbench doctor`, its versions of torch or scikit-learn may be broken"
        )
    write_weights(path, weights)
    return weights


def cache_file() -> Path:
    """Return where the weights are kept: a name that changes with the recipe, the data and torch."""
    from platformdirs import user_cache_dir

    (images, labels), _ = digit_images()
    content = hashlib.sha256(images.numpy().tobytes() + labels.numpy().tobytes())
    content.update(
        repr((WEIGHTS_VERSION, HIDDEN, WIDTH, STEPS, BATCH, RATE, NOISE, BLENDS, torch.__version__)).encode()
    )
    return Path(user_cache_dir("ganbench")) / f"digits-{content.hexdigest()[:16]}.pt"


def train() -> Weights:
    """Return weights trained from a fixed seed; the global random state and the thread count stay as they were."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _train(torch.Generator().manual_seed(stream(0, "digits classifier")))
    finally:
        torch.set_num_threads(threads)


def _train(generator: torch.Generator) -> Weights:
    (images, labels), _ = digit_images()
    weights: Weights = {}
    for i, (fan_in, fan_out) in enumerate(LAYERS, start=1):
        weights[f"w{i}"] = torch.randn(fan_in, fan_out, generator=generator) * (2 / fan_in) ** 0.5
        weights[f"b{i}"] = torch.zeros(fan_out)
    for tensor in weights.values():
        tensor.requires_grad_()
    optimiser = torch.optim.Adam(list(weights.values()), RATE, fused=True)
    with torch.enable_grad():
        for step in range(STEPS):
            optimiser.param_groups[0]["lr"] = RATE * (1 - step / STEPS)
            rows = torch.randint(len(images), (BATCH,), generator=generator)
            batch, targets = _with_outliers(_shifted(images[rows], generator), labels[rows], generator)
            loss = F.cross_entropy(_logits(weights, _features(weights, batch)), targets)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return {name: tensor.detach() for name, tensor in weights.items()}


def _shifted(images: Tensor, generator: torch.Generator) -> Tensor:
    """Return images moved by up to a pixel each way, with a little noise: generated digits are not centred either."""
    n = len(images)
    padded = F.pad(images, (1, 1, 1, 1), value=-1.0)
    shift = torch.randint(3, (n, 2), generator=generator)
    rows = shift[:, :1] + torch.arange(8)
    columns = shift[:, 1:] + torch.arange(8)
    moved = padded[torch.arange(n)[:, None, None], 0, rows[:, :, None], columns[:, None, :]].unsqueeze(1)
    return moved + 0.1 * torch.randn(moved.shape, generator=generator)


def _with_outliers(images: Tensor, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return images and target probabilities, with samples added that are of no class: all classes equally likely.

    They are shuffled pixels, uniform noise and blends of two digits. Without them the classifier is sure of a third of
    all noise images, and its certainty would say nothing about quality.
    """
    n, known = len(images), F.one_hot(labels, CLASSES).float()
    shuffled, uniform = torch.rand(2, NOISE // 2, 64, generator=generator)
    noise = torch.cat((images[: len(shuffled)].flatten(1).gather(1, shuffled.argsort(1)), 2 * uniform - 1))
    a, b = torch.randint(n, (2, BLENDS), generator=generator)
    share = 0.3 + 0.4 * torch.rand(BLENDS, 1, 1, 1, generator=generator)
    nothing = torch.full((BLENDS, CLASSES), 1 / CLASSES)
    same = (labels[a] == labels[b]).unsqueeze(1)
    return (
        torch.cat((images, noise.reshape(-1, 1, 8, 8), share * images[a] + (1 - share) * images[b])),
        torch.cat((known, nothing[:1].expand(len(noise), -1), torch.where(same, known[a], nothing))),
    )


def accuracy(weights: Weights) -> float:
    """Return the share of held-out digits that are recognised."""
    _, (images, labels) = digit_images()
    return float((_logits(weights, _features(weights, images)).argmax(-1) == labels).float().mean())
