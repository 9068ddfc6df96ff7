"""Measures a step on images with channels last against without, in turn: `python tests/benchmarks/channels_last.py`.

Three ways: on wide maps (16 pixels or more) by a loop over seeds, on wide maps by one grouped convolution, and grouped
in all convolutions. Each is held against a loop over seeds on wide maps with channels first.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import torch
import torch.nn.functional as F

from ganbench.networks import _convolution, _images
from tests.benchmarks.test_step_speed import engine_step, machine, ratios

CASES: list[tuple[str, int, int, dict[str, Any], tuple[Any, ...]]] = [
    ("dcgan", 8, 8, {}, ()),
    ("dcgan", 8, 8, {"channels": 32}, ()),
    ("dcgan", 16, 8, {}, ()),
    ("dcgan", 32, 1, {}, ()),
    ("dcgan", 32, 8, {}, ()),
    ("dcgan", 64, 1, {}, ()),
    ("dcgan", 64, 4, {}, ()),
    ("dcgan", 32, 2, {"channels": 64, "latent": 100, "d_norm": "batch"}, ()),
    ("dcgan", 32, 4, {}, (("r1", {}),)),
    ("resnet", 32, 2, {}, ()),
    ("r3gan", 32, 2, {}, ()),
]
own = _convolution.convolve


def grouped(x, weight, *, way, **options) -> Any:
    """Convolve all seeds at once with channels last."""
    x, kernels = (t.contiguous(memory_format=torch.channels_last) for t in (x, weight.flatten(0, 1)))
    function = F.conv_transpose2d if options["transposed"] else F.conv2d
    groups = len(weight) * options.get("groups", 1)
    return function(x, kernels, stride=options["stride"], padding=options["padding"], groups=groups)


def on_wide_maps(other):
    """Return a convolution that is another one on maps of 16 pixels or more, and without channels last elsewhere."""

    def convolve(x, weight, *, way, **options) -> Any:
        larger = x.shape[-1] * (options["stride"] if options["transposed"] else 1)
        if larger >= 16:
            return other(x, weight, way=way, **options)
        return own(x, weight, way="grouped" if way == "last" else way, **options)

    return convolve


looped = on_wide_maps(lambda *args, way, **options: own(*args, way="last", **options))
without = on_wide_maps(lambda *args, way, **options: own(*args, way="loop", **options))


def with_way(step, convolve):
    """Return the step with this convolution in the networks."""

    def run() -> None:
        _images.convolve = convolve
        try:
            step()
        finally:
            _images.convolve = own

    return run


def main() -> None:
    """Print a row a case: the time of a step with channels last over one without, median and quartiles of 5 rounds."""
    torch.set_num_threads(1)
    print(f"Measured on {machine()}.\n")
    print("| network | image | seeds | looped | grouped | grouped everywhere |\n| --- | --- | --- | --- | --- | --- |")
    for name, size, seeds, options, tricks in CASES:
        cells = []
        dataset = ("digits", {}) if size == 8 else ("shapes", {"size": size})
        for convolve in (looped, on_wide_maps(grouped), grouped):
            here, there = (
                engine_step(*tricks, seeds=seeds, dataset=dataset, network=(name, options)) for _ in range(2)
            )
            steps = max(1, 8 // seeds * 32 // size // (8 if name != "dcgan" or options else 1))
            found = sorted(ratios(with_way(here, convolve), with_way(there, without), rounds=5, steps=steps, warm_up=1))
            cells.append(f"{found[2]:.2f} ({found[1]:.2f} – {found[3]:.2f})")
        label = name + "".join(f", {k} {v}" for k, v in options.items()) + "".join(f" + {t}" for t, _ in tricks)
        print(f"| {label} | {size}×{size} | {seeds} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
