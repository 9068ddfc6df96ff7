"""How much of the cores a sweep in Ray Tune puts to use."""

import io
import json
import sys
import time
from typing import Any

import pytest

from ganbench.suite.estimate import cores
from ganbench.sweep.executors.ray_session import ray_environment
from tests.engine import Interrupts, JobList, Progress, TrialJob
from tests.helpers.trials import small_trial

SECONDS = 2.0
TRIALS_A_CORE = 50
LEAST_BUSY = 0.85


class Busy:
    """A trainer that computes for two seconds of its thread's own time before it trains a trial of no time."""

    def __init__(self, trainer, note):
        self.trainer, self.note = trainer, note
        self.begun, self.used = time.time(), 0.0

    def advance(self, seconds):
        import torch

        end, matrix = time.monotonic() + seconds, torch.randn(64, 64)
        while self.used < SECONDS and time.monotonic() < end:
            before = time.thread_time()
            for _ in range(50):
                matrix = torch.tanh(matrix @ matrix)
            self.used += time.thread_time() - before
        if self.used >= SECONDS:
            self.trainer.advance(60)

    @property
    def finished(self):
        return self.trainer.finished

    @property
    def step(self):
        return self.trainer.step

    def progress(self):
        return {}

    def tables(self):
        self.note.write_text(json.dumps([self.begun, self.used]))
        return self.trainer.tables()


class BusyWork(TrialJob):
    def trainer(self) -> Any:
        return Busy(super().trainer(), self.folder / f"{self.key}.json")


@pytest.mark.alone
@pytest.mark.verify
def test_trials_of_two_seconds_keep_the_cores_busy(tmp_path):
    """Useful seconds over cores × wall time, from the first trial's start until everything has been put away."""
    trials = [small_trial(seeds=(i,), steps=2) for i in range(TRIALS_A_CORE * cores())]
    works = [BusyWork(trial, trial.key, tmp_path) for trial in trials]
    with ray_environment(), Interrupts() as interrupts:
        from ray import cloudpickle

        from ganbench.sweep.executors import ray_tune as executor

        cloudpickle.register_pickle_by_value(sys.modules[__name__])
        executor.train(JobList(works), Progress({w.key: w.key for w in works}, io.StringIO()), interrupts)
    end = time.time()
    notes = [json.loads(path.read_text()) for path in tmp_path.glob("*.json")]
    assert len(notes) == len(works)
    begun = min(start for start, _ in notes)
    busy = sum(used for _, used in notes) / (cores() * (end - begun))
    print(f"{len(works)} trials of {SECONDS:g} s on {cores()} cores: {end - begun:.1f} s, busy {busy:.1%}")
    assert busy >= LEAST_BUSY
