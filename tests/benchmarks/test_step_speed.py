"""Ratios of the training step, measured side by side in one run; no absolute time is ever tested.

`make bench` prints the tables; `pytest tests/benchmarks --benchmark-json=FILE` keeps them.
"""

from __future__ import annotations

import gc
import statistics
import time

import pytest
import torch
from plain_loop import plain_step
from trials import small_trial

from ganbench.training.trainer import Trainer

pytestmark = pytest.mark.alone


def engine_step(*tricks, seeds=16, width=64, batch=64, **changes):
    """Return a function that does one step of all seeds, logged as in a suite, without evaluations."""
    changes = {"log_every": 50, **changes}
    trial = small_trial(
        *tricks,
        network=("mlp", {"width": width}),
        seeds=tuple(range(seeds)),
        batch=batch,
        steps=10**5,
        evaluate_every=10**5,
        **changes,
    )
    trainer = Trainer(trial)
    return lambda: trainer.advance(0.0)


def ratio(here, there, rounds=9, steps=50):
    """Return the median over rounds of (time of `here`) / (time of `there`), in turn, so that drift hits both."""
    for step in (here, there):
        for _ in range(60):
            step()

    def clock(step):
        start = time.perf_counter()
        for _ in range(steps):
            step()
        return time.perf_counter() - start

    return statistics.median(clock(here) / clock(there) for _ in range(rounds))


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.mark.parametrize(
    ("seeds", "width", "batch", "least"), [(16, 64, 64, 4.5), (8, 128, 256, 1.25)], ids=["H64-B64-S16", "H128-B256-S8"]
)
def test_a_seed_costs_less_than_a_plain_loop(benchmark, seeds, width, batch, least):
    step = engine_step(seeds=seeds, width=width, batch=batch)
    speedup = seeds / ratio(step, plain_step(width, batch))
    benchmark.extra_info["speedup a seed"] = round(speedup, 2)
    benchmark(step)
    assert speedup >= least


def test_default_diagnostics_cost_little(benchmark):
    step = engine_step()
    cost = ratio(step, engine_step(diagnostics=())) - 1
    benchmark.extra_info["cost of diagnostics"] = round(cost, 3)
    benchmark(step)
    assert cost <= 0.10


@pytest.mark.parametrize(
    ("name", "most"), [("spectral_norm", 1.5), ("r1", 2.2), ("gradient_penalty", 2.2), ("weight_clipping", 1.15)]
)
def test_a_trick_costs_no_more_than_its_mathematics(benchmark, name, most):
    step = engine_step((name, {}))
    cost = ratio(step, engine_step())
    benchmark.extra_info["cost over a plain step"] = round(cost, 2)
    benchmark(step)
    assert cost <= most


def test_memory_does_not_grow_with_steps():
    """A hundred more steps leave no more live tensors: the buffers of all rows are there from the first logged step."""
    step = engine_step(seeds=2)

    def live() -> int:
        gc.collect()
        return sum(1 for o in gc.get_objects() if isinstance(o, torch.Tensor))

    for _ in range(60):
        step()
    before = live()
    for _ in range(100):
        step()
    assert live() <= before
