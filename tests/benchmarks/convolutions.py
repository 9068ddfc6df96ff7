"""Measures what the order in memory and the order of seeds bring for images: `python tests/benchmarks/convolutions.py`.

First each convolution of a DCGAN, forward and backward, with channels last in memory and first. Then whole steps with
each seed going through a network on its own, over steps with all seeds going from layer to layer together. In turn, by
processor time of one thread.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import torch
import torch.nn.functional as F

from ganbench.networks import _options
from tests.benchmarks.test_step_speed import engine_step, machine, ratios

CONVOLUTIONS = ((3, 16, 32, False), (16, 32, 16, False), (32, 64, 8, False), (64, 32, 4, True), (32, 16, 8, True))
CASES: list[tuple[str, int, int, dict[str, Any], tuple[Any, ...]]] = [
    ("dcgan", 16, 8, {}, ()),
    ("dcgan", 32, 8, {}, ()),
    ("dcgan", 64, 4, {}, ()),
    ("dcgan", 32, 4, {}, (("r1", {}),)),
    ("resnet", 32, 2, {}, ()),
    ("r3gan", 32, 2, {}, ()),
]
ROUNDS = 5


def seconds(x: torch.Tensor, weight: torch.Tensor, gradient: torch.Tensor, transposed: bool) -> float:
    """Return what a convolution and its gradients took."""
    began = time.process_time()
    y = (F.conv_transpose2d if transposed else F.conv2d)(x, weight, stride=2, padding=1)
    torch.autograd.grad(y, (x, weight), gradient)
    return time.process_time() - began


def one_convolution(inputs: int, outputs: int, side: int, transposed: bool, batch: int = 64) -> tuple[float, float]:
    """Return the milliseconds with channels first, and the time with channels last over it."""
    kernels = (inputs, outputs) if transposed else (outputs, inputs)
    other = 2 * side if transposed else side // 2
    shapes = ((batch, inputs, side, side), (*kernels, 4, 4), (batch, outputs, other, other))
    first = [torch.randn(shape, requires_grad=i < 2) for i, shape in enumerate(shapes)]
    last = [t.detach().contiguous(memory_format=torch.channels_last).requires_grad_(t.requires_grad) for t in first]
    found = []
    for _ in range(4 * ROUNDS):
        found.append([seconds(x, w, g, transposed) for x, w, g in (first, last)])
    return 1e3 * median(a for a, _ in found), median(b / a for a, b in found)


def whole_step(name: str, size: int, seeds: int, options: dict[str, Any], tricks: tuple[Any, ...]) -> list[float]:
    """Return the time of a step with seeds one by one over that with all together, in order."""
    settings = {"seeds": seeds, "dataset": ("shapes", {"size": size}), "network": (name, options)}
    alone, wide = engine_step(*tricks, **settings), _options.WIDE
    _options.WIDE = 1 << 30
    try:
        together = engine_step(*tricks, **settings)
    finally:
        _options.WIDE = wide
    return sorted(ratios(alone, together, rounds=ROUNDS, steps=max(1, 64 // seeds // size), warm_up=1))


def main() -> None:
    """Print both tables."""
    torch.set_num_threads(1)
    print(f"Measured on {machine()}.\n")
    print("| convolution | input side | channels first, ms | last over first |\n| --- | --- | --- | --- |")
    for inputs, outputs, side, transposed in CONVOLUTIONS:
        ms, ratio = one_convolution(inputs, outputs, side, transposed)
        print(f"| {inputs} → {outputs}{', transposed' * transposed} | {side} | {ms:.1f} | {ratio:.2f} |", flush=True)
    print("\n| network | image | seeds | one by one over together |\n| --- | --- | --- | --- |")
    for name, size, seeds, options, tricks in CASES:
        found = whole_step(name, size, seeds, options, tricks)
        label = name + "".join(f" + {trick}" for trick, _ in tricks)
        spread = f"{median(found):.2f} ({found[1]:.2f} – {found[-2]:.2f})"
        print(f"| {label} | {size}×{size} | {seeds} | {spread} |", flush=True)


if __name__ == "__main__":
    main()
