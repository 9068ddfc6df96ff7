"""What the monitor costs a loop: where it only counts, at most 5 % of a step of a millisecond, measured in one run.

What rows and looks at samples may take is a share of the time (`tests/monitor/test_length.py`).
"""

from __future__ import annotations

import time
from statistics import median

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import ganbench
from ganbench.monitor.windows import LENGTH
from tests.helpers.small_gan import Loop

STEPS, ROUNDS = 500, 15
MOST = 0.05  # of a step of a millisecond
NEVER = 10**9


class Timed(Loop):
    """The plain loop without its oracle, which would be timed as well."""

    def _update(self, name, module, optimizer):
        optimizer.step()

    def chunk(self) -> float:
        """Return the processor's seconds of a step."""
        began = time.process_time()
        self.run(STEPS)
        self.truth.clear()
        return (time.process_time() - began) / STEPS


@pytest.mark.bench
@pytest.mark.alone
def test_a_step_that_is_only_counted_costs_at_most_a_twentieth_of_a_millisecond(tmp_path, benchmark):
    plain = Timed()
    watched = Timed(
        lambda g, d: ganbench.Monitor(
            g, d, tmp_path / "run", loss="non_saturating", log_every=NEVER, evaluate_every=NEVER
        )
    )
    plain.chunk(), watched.chunk()
    pairs = []

    def both():
        pairs.append((plain.chunk(), watched.chunk()))

    benchmark.pedantic(both, rounds=ROUNDS)
    watched.monitor.close()
    # Neighbours in time share what else the machine does; the median leaves out the chunk that a stranger hit.
    extra = median(seen - base for base, seen in pairs)
    slowdown = median(base for base, _ in pairs) / min(base for base, _ in pairs)  # a busy machine slows both
    benchmark.extra_info |= {"plain_ms": 1e3 * min(base for base, _ in pairs), "extra_us": 1e6 * extra}
    assert extra <= MOST * 1e-3 * slowdown


class Ops(TorchDispatchMode):
    """Notes every operation of torch."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.seen.append(str(func))
        return func(*args, **(kwargs or {}))


def test_a_step_that_is_not_logged_runs_no_operation(tmp_path, monkeypatch):
    loop = Loop(
        lambda g, d: ganbench.Monitor(
            g, d, tmp_path / "run", latents=torch.ones(8, 4), data="ring", evaluate_every=40, log_every=100
        )
    )
    by_step, step = {}, loop.monitor.step

    def noted(**values):
        with Ops() as ops:
            step(**values)
        by_step[loop.monitor.steps] = ops.seen

    monkeypatch.setattr(loop.monitor, "step", noted)
    loop.run(210)
    seen = [step for step, operations in by_step.items() if operations]
    row = 161  # the second window of 100 steps has its row 61.8 of them on
    windows = [*range(100, 100 + LENGTH), *range(200, 200 + LENGTH)]  # steps that are compared with one another
    evaluated = {80, 120, 160, 200}
    assert seen[0] == 1 and set(seen[seen.index(80) :]) <= {*evaluated, row, *windows}
    assert {*evaluated, row} <= set(seen)
    for logged in (1, row):  # one transfer at the end waits for the device, and nothing before it
        assert not any("_local_scalar_dense" in name for name in by_step[logged])
