"""A small convolutional classifier of handwritten digits in MNIST's format, and how it is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganbench.core.lazy import F, torch
from ganbench.core.streams import stream

if TYPE_CHECKING:
    from torch import Generator, Tensor

SIDE, WIDTH, CLASSES = 28, 64, 10
MAPS, KERNELS = (32, 64), (5, 3)
FLAT = MAPS[1] * (SIDE // 4) ** 2
SHAPES = {
    "k1": (MAPS[0], 1, KERNELS[0], KERNELS[0]),
    "b1": (MAPS[0],),
    "k2": (MAPS[1], MAPS[0], KERNELS[1], KERNELS[1]),
    "b2": (MAPS[1],),
    "w3": (FLAT, WIDTH),
    "b3": (WIDTH,),
    "w4": (WIDTH, CLASSES),
    "b4": (CLASSES,),
}
SIZES = (16, 32)  # of images that it must know, in turn; it sees larger ones as it sees those of 32
EPOCHS, LEAST_STEPS, BATCH, RATE = 10, 600, 128, 2e-3
SHIFT = 2  # pixels
KIND = 6  # samples of each of four kinds of noise, beside each batch
BLENDS = 32
CHUNK = 1000  # images at a time: the first layer's output is six times as large as they are

Weights = dict[str, "Tensor"]


def features(w: Weights, images: Tensor) -> Tensor:
    """Return `[n, 64]` features of images `[n, 1, H, W]` in [-1, 1]."""
    h = F.relu(F.conv2d(at_side(images, SIDE), w["k1"], w["b1"], stride=2, padding=2))
    h = F.relu(F.conv2d(h, w["k2"], w["b2"], stride=2, padding=1))
    return F.relu(h.flatten(1) @ w["w3"] + w["b3"])


def logits(w: Weights, found: Tensor) -> Tensor:
    """Return the logits `[..., 10]` of features `[..., 64]`."""
    return found @ w["w4"] + w["b4"]


def at_side(images: Tensor, side: int) -> Tensor:
    """Return images `[n, 1, H, W]` at `side` pixels, antialiased."""
    if images.shape[-2:] == (side, side):
        return images
    return F.interpolate(images, (side, side), mode="bilinear", antialias=True, align_corners=False)


def train(scans: Tensor, labels: Tensor) -> Weights:
    """Return weights trained from a fixed seed on one thread; the global random state and the threads stay.

    Args:
        scans: `[N, 28, 28]` uint8.
        labels: `[N]`, 0 to 9.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _train(scans, labels, torch.Generator().manual_seed(stream(0, "mnist classifier")))
    finally:
        torch.set_num_threads(threads)


def _train(scans: Tensor, labels: Tensor, generator: Generator) -> Weights:
    weights = _start(generator)
    for tensor in weights.values():
        tensor.requires_grad_()
    optimiser = torch.optim.Adam(list(weights.values()), RATE, fused=True)
    steps = max(LEAST_STEPS, EPOCHS * len(scans) // BATCH)
    with torch.enable_grad():
        for step in range(steps):
            optimiser.param_groups[0]["lr"] = RATE * (1 - step / steps)
            rows = torch.randint(len(scans), (BATCH,), generator=generator)
            batch, targets = _with_outliers(_shifted(scans[rows], generator), labels[rows], generator)
            seen = at_side(at_side(batch, SIZES[step % len(SIZES)]), SIDE)
            loss = F.cross_entropy(logits(weights, features(weights, seen)), targets)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return {name: tensor.detach() for name, tensor in weights.items()}


def _start(generator: Generator) -> Weights:
    """Return He's initialisation of the weights, and biases of zero."""
    weights: Weights = {}
    for name, shape in SHAPES.items():
        inputs = shape[0] if name.startswith("w") else torch.Size(shape[1:]).numel()
        spread = 0.0 if name.startswith("b") else (2 / inputs) ** 0.5
        weights[name] = spread * torch.randn(shape, generator=generator)
    return weights


def _shifted(scans: Tensor, generator: Generator) -> Tensor:
    """Return `[n, 28, 28]` bytes as images `[n, 1, 28, 28]` moved by up to two pixels, with a little noise.

    Generated digits are not centred either.
    """
    n = len(scans)
    padded = F.pad(scans, (SHIFT,) * 4)
    shift = torch.randint(2 * SHIFT + 1, (n, 2), generator=generator)
    rows = shift[:, :1] + torch.arange(SIDE)
    columns = shift[:, 1:] + torch.arange(SIDE)
    moved = padded[torch.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]].unsqueeze(1)
    return scaled(moved) + 0.1 * torch.randn(moved.shape, generator=generator)


def _with_outliers(images: Tensor, labels: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    """Return images and target probabilities, with samples added that are of no class: all classes equally likely.

    They are shuffled pixels, uniform noise, fine and coarse, one grey all over, and blends of two digits. Without them
    a classifier is sure of much that is no digit, and its certainty would say nothing about quality.
    """
    known = F.one_hot(labels, CLASSES).float()
    order = torch.rand(KIND, SIDE**2, generator=generator).argsort(1)
    fine, coarse, grey = (2 * torch.rand(KIND, 1, s, s, generator=generator) - 1 for s in (SIDE, 7, 1))
    noise = (
        images[:KIND].flatten(1).gather(1, order).reshape(-1, 1, SIDE, SIDE),
        fine,
        F.interpolate(coarse, (SIDE, SIDE), mode="bilinear", align_corners=False),
        grey.expand(-1, -1, SIDE, SIDE),
    )
    a, b = torch.randint(len(images), (2, BLENDS), generator=generator)
    share = 0.3 + 0.4 * torch.rand(BLENDS, 1, 1, 1, generator=generator)
    nothing = torch.full((1, CLASSES), 1 / CLASSES)
    same = (labels[a] == labels[b]).unsqueeze(1)
    return (
        torch.cat((images, *noise, share * images[a] + (1 - share) * images[b])),
        torch.cat((known, nothing.expand(sum(map(len, noise)), -1), torch.where(same, known[a], nothing))),
    )


def accuracy(weights: Weights, scans: Tensor, labels: Tensor, size: int) -> float:
    """Return the share of `[N, 28, 28]` uint8 scans that are recognised when they have `size` pixels a side."""
    right = 0
    with torch.no_grad():
        for part, wanted in zip(scans.split(CHUNK), labels.split(CHUNK), strict=True):
            found = features(weights, at_side(scaled(part).unsqueeze(1), size))
            right += int((logits(weights, found).argmax(-1) == wanted).sum())
    return right / len(scans)


def scaled(scans: Tensor) -> Tensor:
    """Return bytes 0…255 as numbers -1…1."""
    return scans.float() / 127.5 - 1
