"""Classifiers of handwritten digits that are trained here: one training loop, one cache and one check of accuracy."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import logging
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ganbench.assets.data_folder import cache_folder
from ganbench.core.errors import GanbenchError, reason
from ganbench.core.files import replaced
from ganbench.core.lazy import F, Tensor, torch
from ganbench.core.results_files import read_with_checksum, with_checksum
from ganbench.core.streams import stream
from ganbench.extractors import Extractor

WIDTH, CLASSES, COLOURS = 64, 10, 3  # features, classes, and images that are stacked into one
BATCH, RATE = 128, 2e-3
BLENDS = 32  # pairs of digits that are blended, beside each batch
CHUNK = 1000  # images at a time where accuracy is measured
FORMAT = 2  # of the file of weights, whose checksum covers its name since 2

log = logging.getLogger("ganbench.extractors")

Weights = dict[str, "Tensor"]


@dataclass(frozen=True)
class TrainedClassifier(Extractor):
    """The 64 features before the last layer of a classifier that is trained once, and then kept in the user's cache.

    Training starts from a fixed seed and runs on one thread, so every process gets the same bits. The weights are used
    only if the classifier is right on enough held-out digits.

    Attributes:
        usual_size: side in pixels of the images by which new weights are judged.
        least_accuracy: share of held-out digits that must be recognised.
        remedy: what to do where fewer are; `{folder}` is where the training data lie.
        shapes: of the weights, by name.
    """

    takes = (-1.0, 1.0)
    usual_size: ClassVar[int]
    least_accuracy: ClassVar[float]
    remedy: ClassVar[str]
    shapes: ClassVar[Mapping[str, tuple[int, ...]]]

    @abstractmethod
    def recipe(self) -> tuple[object, ...]:
        """Return what decides the weights beside the training data and torch's version."""

    @abstractmethod
    def folder(self) -> Path | None:
        """Return where the training data lie; None where a package brings them."""

    @abstractmethod
    def examples(self, *, held: bool) -> tuple[Tensor, Tensor]:
        """Return scans `[N, …]` and labels `[N]`, to train on or held out."""

    @abstractmethod
    def as_images(self, scans: Tensor, size: int) -> Tensor:
        """Return scans as images `[n, 1, size, size]` in [-1, 1]."""

    @abstractmethod
    def initial_weights(self, generator: torch.Generator) -> Weights:
        """Return weights from He's initialisation, and biases of zero."""

    @abstractmethod
    def steps(self, examples: int) -> int:
        """Return for how many steps to train on so many examples."""

    @abstractmethod
    def batch(self, scans: Tensor, labels: Tensor, step: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return training images `[m, 1, H, W]` and target probabilities `[m, 10]` made from a step's scans."""

    @abstractmethod
    def features(self, weights: Weights, images: Tensor) -> Tensor:
        """Return features `[n, 64]` of images `[n, 1, H, W]` in [-1, 1]."""

    @abstractmethod
    def logits(self, weights: Weights, features: Tensor) -> Tensor:
        """Return logits `[..., 10]` of features `[..., 64]`."""

    def prepare(self) -> None:
        """Train the classifier, or read it from the user's cache.

        Raises:
            UsageError: the training data are missing or broken.
            GanbenchError: too few held-out digits are recognised.
        """
        kept_weights(self, self.folder())

    def extract(self, samples: Tensor) -> Tensor:
        """Return features `[..., n, 64]` of images `[..., n, 1, H, W]` in [-1, 1].

        Each set is computed on its own, so its features have the same bits whatever sets lie beside it.
        """
        weights = _moved(checked_weights(self, self.folder(), samples.shape[-1]), samples.device)
        sets = samples.flatten(0, -5) if samples.dim() > 4 else samples.unsqueeze(0)
        with torch.no_grad():
            features = torch.stack([self.features(weights, images) for images in sets])
        return features.reshape(*samples.shape[:-3], WIDTH)

    def probabilities(self, features: Tensor) -> Tensor:
        """Return class probabilities `[..., n, 10]` of features `[..., n, 64]`."""
        weights = _moved(kept_weights(self, self.folder()), features.device)
        with torch.no_grad():
            return torch.softmax(self.logits(weights, features), dim=-1)

    def train(self, scans: Tensor, labels: Tensor) -> Weights:
        """Return trained weights; the global random state and the number of threads are as they were afterwards."""
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return self._train(scans, labels, torch.Generator().manual_seed(stream(0, f"{self.name} classifier")))
        finally:
            torch.set_num_threads(threads)

    def _train(self, scans: Tensor, labels: Tensor, generator: torch.Generator) -> Weights:
        weights, steps = self.initial_weights(generator), self.steps(len(scans))
        for tensor in weights.values():
            tensor.requires_grad_()
        optimiser = torch.optim.Adam(list(weights.values()), RATE, fused=True)
        with torch.enable_grad():
            for step in range(steps):
                optimiser.param_groups[0]["lr"] = RATE * (1 - step / steps)
                rows = torch.randint(len(scans), (BATCH,), generator=generator)
                images, targets = self.batch(scans[rows], labels[rows], step, generator)
                loss = F.cross_entropy(self.logits(weights, self.features(weights, images)), targets)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
        return {name: tensor.detach() for name, tensor in weights.items()}

    def accuracy(self, weights: Weights, size: int) -> float:
        """Return the share of held-out scans that are recognised when they have `size` pixels per side."""
        scans, labels = self.examples(held=True)
        right = 0
        with torch.no_grad():
            for part, classes in zip(scans.split(CHUNK), labels.split(CHUNK), strict=True):
                logits = self.logits(weights, self.features(weights, self.as_images(part, size)))
                right += int((logits.argmax(-1) == classes).sum())
        return right / len(scans)

    def require_accuracy(self, weights: Weights, size: int) -> None:
        """Check that the classifier recognises enough held-out digits of `size` pixels.

        Raises:
            GanbenchError: it does not.
        """
        accuracy = self.accuracy(weights, size)
        if accuracy < self.least_accuracy:
            raise GanbenchError(
                f"extractor {self.name}: the classifier is right on {accuracy:.3f} of the test scans of {size} pixels "
                f"and must be on {self.least_accuracy}; {self.remedy.format(folder=self.folder())}"
            )

    def cache_file(self) -> Path:
        """Return where the weights are kept: the name changes with the recipe, the training data and torch."""
        recipe = (FORMAT, *self.recipe(), torch.__version__, content_hash(self, self.folder()))
        return cache_folder() / f"{self.name}-{hashlib.sha256(repr(recipe).encode()).hexdigest()[:16]}.pt"


@functools.cache
def kept_weights(classifier: TrainedClassifier, folder: Path | None) -> Weights:
    """Return the weights from the cache, or train them and write them there; `folder` keeps other data apart."""
    path = classifier.cache_file()
    cached = _read(path, classifier.shapes)
    if cached is not None and classifier.accuracy(cached, classifier.usual_size) >= classifier.least_accuracy:
        return cached
    weights = classifier.train(*classifier.examples(held=False))
    classifier.require_accuracy(weights, classifier.usual_size)
    # Without a writable cache each process trains its own, to the same bits.
    with contextlib.suppress(OSError, RuntimeError):
        path.parent.mkdir(parents=True, exist_ok=True)
        content = io.BytesIO()
        torch.save(weights, content)
        with replaced(path) as file:
            file.write(with_checksum(content.getvalue(), path.name))
    return weights


@functools.cache
def checked_weights(classifier: TrainedClassifier, folder: Path | None, size: int) -> Weights:
    """Return the weights if the classifier is right often enough on images of `size` pixels."""
    weights = kept_weights(classifier, folder)
    if size != classifier.usual_size:
        classifier.require_accuracy(weights, size)
    return weights


@functools.cache
def content_hash(classifier: TrainedClassifier, folder: Path | None) -> str:
    """Return the SHA-256 of the scans and labels that the classifier is trained on."""
    scans, labels = classifier.examples(held=False)
    return hashlib.sha256(scans.numpy().tobytes() + labels.numpy().tobytes()).hexdigest()


def _read(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> Weights | None:
    """Return the weights in a file; None where it is missing or, with a warning, of no use."""
    try:
        weights: Weights = torch.load(io.BytesIO(read_with_checksum(path, path.name)), weights_only=True)
        if {name: (tuple(w.shape), w.dtype) for name, w in weights.items()} == {
            name: (shape, torch.float32) for name, shape in shapes.items()
        }:
            return weights
        problem = "its weights are of other shapes"
    except FileNotFoundError:
        return None
    except Exception as error:  # readers of broken files raise what they like
        problem = reason(error)[:120]
    log.warning("%s: cannot be used (%s); the classifier is trained anew", path, problem)
    return None


def _moved(weights: Weights, device: torch.device) -> Weights:
    return {name: tensor.to(device) for name, tensor in weights.items()}


def shifted(images: Tensor, most: int, ground: float, generator: torch.Generator) -> Tensor:
    """Return square images `[n, H, H]` moved by up to `most` pixels each way over a ground, `[n, 1, H, H]`.

    Generated digits are not centred either.
    """
    n, side = images.shape[:2]
    padded = F.pad(images, (most,) * 4, value=ground)
    shift = torch.randint(2 * most + 1, (n, 2), generator=generator)
    rows = shift[:, :1] + torch.arange(side)
    columns = shift[:, 1:] + torch.arange(side)
    return padded[torch.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]].unsqueeze(1)


def with_outliers(images: Tensor, labels: Tensor, noise: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return images and target probabilities, with noise and blends of two digits added, which are of no class.

    Their target is that all classes are equally likely. Without them a classifier is certain about much that is no
    digit, and its certainty would say nothing about quality.

    Args:
        images: `[n, 1, H, W]`.
        labels: `[n]`.
        noise: images of no class, `[k, 1, H, W]`.
        generator: draws the pairs and the share of each in its blend.
    """
    known = F.one_hot(labels, CLASSES).float()
    a, b = torch.randint(len(images), (2, BLENDS), generator=generator)
    share = 0.3 + 0.4 * torch.rand(BLENDS, 1, 1, 1, generator=generator)
    uniform = torch.full((1, CLASSES), 1 / CLASSES)
    same = (labels[a] == labels[b]).unsqueeze(1)
    return (
        torch.cat((images, noise, share * images[a] + (1 - share) * images[b])),
        torch.cat((known, uniform.expand(len(noise), -1), torch.where(same, known[a], uniform))),
    )


@dataclass(frozen=True)
class StackedClassifier(Extractor):
    """The 64 features of a trained classifier in red, green and blue, one after the other: 192.

    Colours are judged on their own, so the probability of the class 100a + 10b + c is the product of three.

    Attributes:
        classifier: the classifier of one colour.
    """

    takes = (-1.0, 1.0)
    classifier: ClassVar[type[TrainedClassifier]]

    def prepare(self) -> None:
        """Train the classifier of one colour, or read it from the user's cache; raises what that does."""
        self.classifier().prepare()

    def extract(self, samples: Tensor) -> Tensor:
        """Return features `[..., n, 192]` of images `[..., n, 3, H, W]` in [-1, 1]."""
        # One colour after the other: tens of thousands of samples of many seeds are not copied.
        each = [self.classifier().extract(samples[..., c : c + 1, :, :]) for c in range(COLOURS)]
        return torch.cat(each, dim=-1)

    def probabilities(self, features: Tensor) -> Tensor:
        """Return the probabilities `[..., n, 1000]` of triples from features `[..., n, 192]`."""
        a, b, c = self.classifier().probabilities(features.unflatten(-1, (COLOURS, WIDTH))).unbind(-2)
        return (a[..., :, None, None] * b[..., None, :, None] * c[..., None, None, :]).flatten(-3)
