"""Ratios of the training step on images, measured side by side in one run; no absolute time is ever tested."""

from __future__ import annotations

import pytest
import torch

from tests.benchmarks.test_step_speed import engine_step, keep, ratios
from tests.helpers.plain_dcgan import plain_dcgan_step

SEEDS = 8

pytestmark = pytest.mark.alone


@pytest.mark.parametrize(
    ("dataset", "channels", "size", "least"),
    [(("digits", {}), 1, 8, 1.3), (("shapes", {"size": 16}), 3, 16, 1.0)],
    ids=["8x8", "16x16"],
)
def test_a_seed_of_dcgan_costs_no_more_than_a_plain_loop(benchmark, dataset, channels, size, least):
    torch.set_num_threads(1)
    step = engine_step(seeds=SEEDS, dataset=dataset, network=("dcgan", {}))
    found = ratios(step, plain_dcgan_step(channels, size), rounds=5, steps=10, warm_up=5)
    speedup = SEEDS / sorted(found)[len(found) // 2]
    keep(benchmark, f"a plain loop's step over a step a seed: DCGAN, {size}×{size}, 8 seeds", speedup, f"≥ {least}")
    print(f"DCGAN {size}: {speedup:.2f}")
    assert speedup >= least
    benchmark.pedantic(step, rounds=3)
