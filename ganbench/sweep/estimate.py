"""A rough guess of how long a plan takes, from step counts and layer widths. Expect it to be off by a factor of two."""

from __future__ import annotations

import os
from typing import Any

from ganbench.core import registry
from ganbench.core.trial import Trial
from ganbench.sweep.plan import Plan

# Fitted on one core with 8 seeds: 1.9 ms a step for an mlp of width 64 at batch 64, 10.8 ms for 128 at 256, 21 ms for a
# dcgan on 8×8 images, half as much again with a gradient penalty; and the start of Ray.
STEP_MS = 1.0
MS_PER_GFLOP = 17.0
PENALTY = 1.5
EVALUATION_S = 0.02
TRIAL_S = 0.7
START_S = 8.0


def trial_seconds(trial: Trial) -> float:
    """Return seconds on one core: a fixed cost a step, the arithmetic of every seed, and the evaluations."""
    updates = trial.steps * (trial.n_critic + trial.n_generator) / 2
    step_ms = STEP_MS + len(trial.seeds) * _gflop(trial) * MS_PER_GFLOP
    if any("penalty" in registry.find("trick", trick.name).traits for trick in trial.tricks):
        step_ms *= PENALTY
    evaluations = max(1, trial.steps // trial.evaluate_every)
    return (
        TRIAL_S + updates * step_ms / 1e3 + evaluations * EVALUATION_S * (trial.samples / 2000) * len(trial.seeds) / 8
    )


def plan_seconds(plan: Plan, jobs: int | None = None) -> float:
    """Return seconds for all trials, `jobs` of them at a time (as many as cores allow by default)."""
    at_once = jobs or max(1, cores() // plan.suite.resources.cpus)
    each = [trial_seconds(trial) for trial in plan.trials or plan.cells]
    if plan.suite.search is not None and not plan.trials:
        each = [sum(each) / len(each)] * plan.suite.search.trials
    return START_S + max(sum(each) / at_once, max(each))


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def duration(seconds: float) -> str:
    """Return `40 s`, `8 min` or `3.5 h`."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _gflop(trial: Trial) -> float:
    """Return the arithmetic of one seed's step: about nine products a weight and sample."""
    parameters: dict[str, Any] = trial.network.parameters
    width = parameters.get("width", 64)
    weights = max(1, parameters.get("depth", 2) - 1) * width**2
    if "channels" in parameters:  # convolutions use each of their weights at every place of the map
        weights = 16 * 4 * parameters["channels"] ** 2 * 8
    return 18 * trial.batch * weights / 1e9
