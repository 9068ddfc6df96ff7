"""Ratios of the training step, measured side by side in one run; no absolute time is ever tested.

`make bench` measures all tricks and writes results/baselines/trick_costs.json; `make test` measures a few.
"""

from __future__ import annotations

import gc
import math
import os
import platform
import statistics
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ganbench.check.speed import reference_step as plain_step
from tests.benchmarks.costs import QUICK, cases, limit
from tests.engine import Trainer
from tests.helpers.trials import choose, small_trial

pytestmark = pytest.mark.alone


def engine_step(*tricks, seeds=16, width=64, batch=64, compile=False, **changes):
    """Return a function that does one step of all seeds, logged as in a suite, without evaluations."""
    changes = {"network": ("mlp", {"width": width}), "log_every": 50, **changes}
    trial = small_trial(
        *tricks,
        **changes,
        seeds=tuple(range(seeds)),
        batch=batch,
        steps=10**5,
        evaluate_every=10**5,
    )
    trainer = Trainer(trial, compile=compile)
    assert trainer.compiled == compile
    return lambda: trainer.advance(0.0)


def ratios(here, there, rounds=9, steps=50, warm_up=60):
    """Return (time of `here`) / (time of `there`) of each round, in turn, so that drift hits both.

    A round holds one logged step. Time is the processor's: a clock's on an idle machine, and fairer on a busy one.
    """
    for step in (here, there):
        for _ in range(warm_up):
            step()

    def clock(step):
        start = time.process_time()
        for _ in range(steps):
            step()
        return time.process_time() - start

    return [clock(here) / clock(there) for _ in range(rounds)]


def ratio(here, there):
    return statistics.median(ratios(here, there))


def keep(benchmark, what, value, wanted):
    """Leave a number for the committed table."""
    benchmark.extra_info |= {"what": what, "value": round(value, 3), "wanted": wanted, "machine": machine()}


def machine():
    """Say what was measured on."""
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    name = names[0].split(": ")[1] if names else platform.machine()
    return f"{os.cpu_count()} cores, {name}, torch {torch.__version__}, one thread"


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.mark.parametrize(
    ("seeds", "width", "batch", "least"), [(16, 64, 64, 4.5), (8, 128, 256, 1.25)], ids=["H64-B64-S16", "H128-B256-S8"]
)
def test_a_seed_costs_less_than_a_plain_loop(benchmark, seeds, width, batch, least):
    step = engine_step(seeds=seeds, width=width, batch=batch)
    speedup = seeds / ratio(step, plain_step(width, batch))
    what = f"a plain loop's step over a step a seed: width {width}, batch {batch}, {seeds} seeds"
    keep(benchmark, what, speedup, f"≥ {least}")
    benchmark(step)
    assert speedup >= least


def test_default_diagnostics_cost_little(benchmark):
    step = engine_step()
    cost = ratio(step, engine_step(diagnostics=())) - 1
    keep(benchmark, "the default diagnostics, as a share of a step (a row every 50 steps)", cost, "≤ 0.1")
    benchmark(step)
    assert cost <= 0.10


@pytest.mark.bench
def test_what_a_logged_step_costs(benchmark):
    step = engine_step(log_every=1)
    keep(benchmark, "a step with a row of the default diagnostics over one without", ratio(step, engine_step()), "–")
    benchmark.pedantic(step, rounds=10, iterations=5)


@pytest.mark.bench
@pytest.mark.parametrize("metric", ["modes", "fid"])
@pytest.mark.parametrize(("dataset", "dimensions"), [("ring", 2), ("digits", 64)])
def test_what_an_evaluation_costs(benchmark, dataset, dimensions, metric):
    trial = small_trial(dataset=(dataset, {}), network=("mlp", {}), seeds=tuple(range(16)), samples=2000)
    trainer = Trainer(replace(trial, metrics=(choose("metric", metric),)))

    def judge():
        trainer.evaluator.measure(trainer.evaluator.generate(trainer.g.params, trainer.g.buffers))

    cost = statistics.median(ratios(judge, engine_step(), rounds=5, steps=5, warm_up=5))
    of = f"16 seeds' 2,000 samples of {dataset} by {metric} ({dimensions} features)"
    keep(benchmark, f"judging {of}, in plain steps of the ring", cost, "–")
    benchmark.pedantic(judge, rounds=3)


def _cost(benchmark, trick):
    """Return what a step with the trick costs in plain steps; the benchmark's table keeps it."""
    images = {"dataset": ("digits", {}), "network": ("dcgan", {"channels": 8})} if "images" in trick.requires else {}
    step = engine_step((trick.name, trick.parameters), **images)
    found = ratios(step, engine_step(**images))
    low, cost, high = (round(x, 3) for x in statistics.quantiles(found, n=4))
    benchmark.extra_info |= {
        "trick": trick.label,
        "group": trick.group,
        "cost": cost,
        "quartiles": [low, high],
        "limit": limit(trick),
        "machine": machine(),
    }
    benchmark.pedantic(step, rounds=10, iterations=5)
    return cost


@pytest.mark.parametrize(
    "trick", [pytest.param(t, id=t.label, marks=() if t.label in QUICK else pytest.mark.bench) for t in cases()]
)
def test_a_trick_costs_no_more_than_its_mathematics(benchmark, trick):
    most = limit(trick)
    assert _cost(benchmark, trick) <= (math.inf if most is None else most)


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
