"""Measures a step on images streamed from a file against one on images in memory: the table in docs/performance.md.

`python -m tests.benchmarks.streaming`, a few minutes on one thread. The pictures are random, 20,000 of 3×64×64: the
file (234 MiB) is in the system's page cache, as it is after the first trial of a sweep; with `--cold` it is dropped
from there before every few steps, so that they read the disk; that needs the machine to itself.
"""

from __future__ import annotations

import mmap
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy
import torch

from ganbench.datasets._bytes import ByteImages
from ganbench.datasets._cache import write
from tests.engine import Trainer
from tests.helpers.trials import choose, small_trial

COUNT, ROUNDS = 20_000, 7
CASES = (
    ("`dcgan: {channels: 16}`, 8 seeds, batch 64", ("dcgan", {"channels": 16}), 8, 64, 2),
    ("`mlp: {width: 64}`, 8 seeds, batch 64", ("mlp", {"width": 64}), 8, 64, 16),
    ("`mlp: {width: 16}`, 1 seed, batch 64", ("mlp", {"width": 16, "latent": 8}), 1, 64, 64),
)


def trainer(data: ByteImages, network: tuple, seeds: int, batch: int) -> Trainer:
    """Return a trial of these images under way."""
    trial = small_trial(
        dataset=("shapes", {"size": 64}),
        network=network,
        seeds=tuple(range(seeds)),
        batch=batch,
        steps=10**6,
        evaluate_every=10**6,
        log_every=10**6,
        samples=2,
        diagnostics=(),
        metrics=(choose("metric", "fid"),),
    )
    found = Trainer(trial)
    found.setup.data = data
    found.noise.prefetch = {"data": data.prefetch}
    return found


def seconds(one: Trainer, steps: int) -> float:
    """Return how long so many steps take: the processor's time of all threads, or from a cold cache by the clock."""
    clock = time.perf_counter if "--cold" in sys.argv else time.process_time
    start = clock()
    for _ in range(steps):
        one._one_step()
    return clock() - start


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        path, shape = Path(folder) / "images.npy", (COUNT, 3, 64, 64)
        write(path, shape, (torch.randint(0, 256, (500, *shape[1:]), dtype=torch.uint8) for _ in range(COUNT // 500)))
        array = numpy.load(path, mmap_mode="r", allow_pickle=False)
        images = torch.from_numpy(array)
        memory = images.clone()
        print(
            "| network | in memory, ms a step | streamed | streamed, nothing fetched ahead |\n| --- | --- | --- | --- |"
        )
        for name, network, seeds, batch, steps in CASES:
            sets = [ByteImages(memory, memory[:64], torch.device("cpu"))]
            sets += [ByteImages(images, images[:64], torch.device("cpu"), streamed=True) for _ in range(2)]
            trainers = [trainer(data, network, seeds, batch) for data in sets]
            trainers[2].noise.prefetch = {}
            for one in trainers:
                seconds(one, 2)
            times = []
            for _ in range(ROUNDS):
                times.append([])
                for one in trainers:
                    if "--cold" in sys.argv:
                        array._mmap.madvise(mmap.MADV_DONTNEED)
                        with path.open("rb") as file:
                            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                    times[-1].append(seconds(one, steps) / steps)
            plain = statistics.median(row[0] for row in times)
            ratios = [statistics.median(row[i] / row[0] for row in times) for i in (1, 2)]
            print(f"| {name} | {1e3 * plain:.1f} | {ratios[0]:.2f} | {ratios[1]:.2f} |", flush=True)


if __name__ == "__main__":
    main()
