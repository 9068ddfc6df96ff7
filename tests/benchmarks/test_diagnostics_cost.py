"""What each diagnostic costs: one use, in plain steps, and the share of a trial of 4,000 steps at its own schedule."""

from __future__ import annotations

import dataclasses
import statistics
import time

import pytest
import torch

from ganbench.core import registry
from tests.benchmarks.diagnostics_costs import STEPS, uses
from tests.benchmarks.test_step_speed import machine
from tests.engine import Trainer
from tests.helpers.trials import choose, small_trial

pytestmark = [pytest.mark.alone, pytest.mark.bench]


def clock(work, rounds):
    """Return the median seconds of the processor."""
    found = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return statistics.median(found)


@pytest.mark.parametrize("name", registry.components("diagnostic"))
def test_what_a_diagnostic_costs(benchmark, name):
    torch.set_num_threads(1)
    trial = small_trial(
        network=("mlp", {"width": 64}),
        batch=64,
        seeds=tuple(range(8)),
        steps=STEPS,
        log_every=STEPS,
        evaluate_every=STEPS,
        metrics=(),
        diagnostics=(choose("diagnostic", name),),
    )
    trainer = Trainer(trial)
    trainer.keep_earlier = True
    trainer.log_steps.add(60)  # so that one step keeps what is read
    trainer.scheduled, diagnostic = [set()], trainer.diagnostics[0]
    for _ in range(60):
        trainer.advance(0.0)
    plain = clock(lambda: trainer.advance(0.0), 200)

    def read():
        with torch.no_grad():
            done = trainer._readable(kept, True)
            for way in ("observe", "layers"):
                getattr(diagnostic, way, lambda _: None)(done)

    last = trainer.last
    assert last is not None
    d, g = (dataclasses.replace(update, before=update.after.clone()) for update in (last.d, last.g))
    kept = type(last)(d, g)
    read()
    use = clock(read, 3 if name == "game_jacobian" else 9) / plain
    benchmark.extra_info |= {
        "diagnostic": name,
        "use": round(use, 2),
        "share": round(use * uses(diagnostic) / STEPS, 4),
        "machine": machine(),
    }
    benchmark.pedantic(read, rounds=1)
