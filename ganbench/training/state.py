"""What a trial under way consists of: what is fixed when it begins, and what its steps change."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ganbench.core.protocols import PlayerName
from ganbench.core.trial import Trial
from ganbench.diagnostics import Step
from ganbench.training.evaluation import Evaluator
from ganbench.training.finite import FiniteSteps
from ganbench.training.history import (
    History,
    logged_steps,
    logged_update_steps,
    measured_steps,
    scheduled_steps,
    snapshot_steps,
)
from ganbench.training.noise import PackedNoise
from ganbench.training.probe import ProbeSamples
from ganbench.training.setup import TrialSetup
from ganbench.training.stopping import Stopped, StopRequest


class TrainingState:
    """A trial before its first step. A trainer takes it further; checkpoints keep it, and tables are made of it.

    Attributes:
        d, g, ema, noise: both players, the generator's moving average `[P]`, and the random numbers.
        evaluator, diagnostics, probe, start: what reads the training.
        log_steps, keep_steps, scheduled, evaluate_steps, measured, snapshot_steps: at which steps that is done.
        history, layers, snapshots: what was read.
        step: how many were made. last: the last one. earlier: the gradients before it.
        finite: which seeds are still under way. all_diverged: no seed is left.
        train_seconds, total_seconds: without and with evaluations.
        stopped: how the trial ended early. stop_request: what asks it to.
        compiled: whether its steps are.
    """

    def __init__(self, trial: Trial, device: torch.device) -> None:
        self.trial, self.device = trial, device
        self.setup = TrialSetup(trial, self.device)
        seeds = [lane.seed for lane in trial.lanes]
        self.d, self.g = self.setup.players(seeds)
        self.ema = self.g.flat.clone() if trial.ema else None
        prefetch = getattr(self.setup.data, "prefetch", None)
        self.noise = PackedNoise(seeds, self.device, {} if prefetch is None else {"data": prefetch})
        self.evaluator = Evaluator(self.setup, seeds)
        self.diagnostics = [choice.build() for choice in trial.diagnostics]
        required = {name for d in self.diagnostics for name in d.requires_fields}
        self.keep_earlier = "earlier" in required
        self.probe = ProbeSamples.draw(self.setup, seeds) if {"probe", "field"} & required else None
        self.start = (self.d.flat.clone(), self.g.flat.clone()) if "field" in required else None
        self.log_steps = set(logged_steps(trial.steps, trial.log_every))
        self.keep_steps = logged_update_steps(self.log_steps, trial.n_generator) if "before" in required else set()
        self.scheduled = [scheduled_steps(self.log_steps, d.schedule(), trial.steps) for d in self.diagnostics]
        evaluated = [s for s in range(trial.evaluate_every, trial.steps + 1, trial.evaluate_every)]
        self.evaluate_steps = sorted({*evaluated, trial.steps})
        self.measured = [measured_steps(self.evaluate_steps, m.every, trial.steps) for m in self.evaluator.metrics]
        n = len(seeds)
        self.snapshot_steps = snapshot_steps(self.evaluate_steps, n, self.evaluator.real.points.shape[1:])
        self.history = History([*self.log_steps, *self.evaluate_steps], n, self.device)
        self.layers: dict[tuple[str, str], History] = {}
        self.snapshots: dict[int, Tensor] = {}
        self.step = 0
        self.last: Step | None = None
        self.earlier: dict[PlayerName, Tensor] = {}
        self.finite = FiniteSteps(n, self.device)
        self.all_diverged: bool = False
        self.train_seconds = self.total_seconds = 0.0
        self.stopped: Stopped | None = None
        self.stop_request: StopRequest | None = None
        self.compiled = False

    @property
    def finished(self) -> bool:
        """Say whether all steps are done, no seed is left, or the trial was ended early."""
        return self.step >= self.trial.steps or self.all_diverged or self.stopped is not None

    def last_measured(self, column: str) -> tuple[int, list[float]] | None:
        """Return the last step at which a metric's column was computed, with its value per seed; None before the first.

        A seed that diverged has NaN.
        """
        for metric, steps in zip(self.evaluator.metrics, self.measured, strict=True):
            if column not in [one.name for one in metric.columns]:
                continue
            done = [step for step in steps if step <= self.step]
            if self.stopped is not None:
                done.append(self.stopped.step)
            if not done or column not in self.history.columns:
                return None
            values = self.history.columns[column][self.history.row[max(done)]].tolist()
            return max(done), [v if ok else math.nan for v, ok in zip(values, self.finite.alive.tolist(), strict=True)]
        return None

    def layer_history(self, place: tuple[str, str]) -> History:
        """Return what is logged of a layer, by network and layer; it is made where there is none."""
        if place not in self.layers:
            self.layers[place] = History(self.log_steps, len(self.trial.lanes), self.device)
        return self.layers[place]
