"""Ratios of the training step on images, measured side by side in one run; no absolute time is ever tested."""

from __future__ import annotations

import functools
import statistics

import pytest
import torch

from tests.benchmarks.apart import ratios_apart
from tests.benchmarks.test_step_speed import engine_step, keep
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
    ours = functools.partial(engine_step, seeds=SEEDS, dataset=dataset, network=("dcgan", {}))
    plain = functools.partial(plain_dcgan_step, channels, size)
    speedup = statistics.median(ratios_apart(plain, ours, rounds=9, counts=(2 * SEEDS, 2))) * SEEDS
    keep(benchmark, f"a plain loop's step over a step a seed: DCGAN, {size}×{size}, 8 seeds", speedup, f"≥ {least}")
    print(f"DCGAN {size}: {speedup:.2f}")
    assert speedup >= least
    benchmark.pedantic(ours(), rounds=3)
