"""What tests of other things reach inside the engine for, so that a rename in there changes this file alone.

Outside `tests/training` and `tests/sweep`, which test the engine itself, no test imports `ganbench.training` or
`ganbench.sweep` in another way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch

from ganbench.core.trial import Trial
from ganbench.diagnostics import Step
from ganbench.sweep import results_dir
from ganbench.sweep.job_source import JobList
from ganbench.sweep.jobs import TrialJob
from ganbench.sweep.manifest import suite_hash
from ganbench.sweep.progress import Progress
from ganbench.sweep.run import RunOutcome, run_plan
from ganbench.sweep.search_log import AdaptiveSearch
from ganbench.sweep.signals import Interrupts
from ganbench.sweep.trial_runner import TrialRunner
from ganbench.training import evaluation
from ganbench.training import setup as setups
from ganbench.training.evaluation import Evaluator, Unlabelled, evaluator_of_dataset
from ganbench.training.history import (
    History,
    every_steps,
    logged_steps,
    logged_update_steps,
    scheduled_steps,
    shared_steps,
)
from ganbench.training.noise import PackedNoise
from ganbench.training.setup import PackedPlayer, PackedView, TrialSetup
from ganbench.training.step import PackedStep, gan_step
from ganbench.training.trainer import Trainer
from ganbench.training.vector_field import GameVectorField

__all__ = [
    "CPU",
    "AdaptiveSearch",
    "Begun",
    "PackedView",
    "Evaluator",
    "GameVectorField",
    "History",
    "Interrupts",
    "JobList",
    "PackedNoise",
    "PackedPlayer",
    "Progress",
    "RunOutcome",
    "PackedStep",
    "Trainer",
    "TrialJob",
    "TrialRunner",
    "TrialSetup",
    "Unlabelled",
    "begin",
    "evaluation",
    "evaluator_of_dataset",
    "every_steps",
    "gan_step",
    "logged_steps",
    "logged_update_steps",
    "results_dir",
    "run_plan",
    "scheduled_steps",
    "setups",
    "shared_steps",
    "suite_hash",
]

CPU = torch.device("cpu")


class Begun(NamedTuple):
    """A trial at its start, without the trainer's logging and evaluation; it unpacks."""

    setup: TrialSetup
    d: PackedPlayer
    g: PackedPlayer
    noise: PackedNoise

    def train(self, steps: int) -> Step:
        """Do so many steps, at least one, and return the last one's updates."""
        last = gan_step(self.setup, self.d, self.g, self.noise, 1)
        for step in range(2, steps + 1):
            last = gan_step(self.setup, self.d, self.g, self.noise, step, previous=last)
        return last

    def context(self, progress: float = 0.0) -> PackedStep:
        """Return the moves of a step that begins when this share of the steps is done."""
        return PackedStep(self.setup, self.d, self.g, self.noise, progress)


def begin(trial: Trial, seeds: Sequence[int] = (0, 1)) -> Begun:
    """Return a trial's setup, its two players as they start, and their random numbers."""
    setup = TrialSetup(trial, CPU)
    return Begun(setup, *setup.players(seeds), PackedNoise(seeds, CPU))
