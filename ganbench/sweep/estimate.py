"""A rough guess of how long a plan takes, from step counts and layer widths. Expect it to be off by a factor of two."""

from __future__ import annotations

import os
from typing import Any

from ganbench.core.trial import Trial
from ganbench.sweep.plan import Plan

# Fitted to a ring of 8 modes on one core: 1.5 ms a step for 8 seeds at width 64 and batch 64, 13.6 ms at 128 and 256.
STEP_MS = 1.0
MS_PER_GFLOP = 40.0
EVALUATION_S = 0.15
TRIAL_S = 1.5


def trial_seconds(trial: Trial) -> float:
    """Return seconds on one core: a fixed cost a step, the arithmetic of every seed, and the evaluations."""
    updates = trial.steps * (trial.n_critic + trial.n_generator) / 2
    step_ms = STEP_MS + len(trial.seeds) * _gflop(trial) * MS_PER_GFLOP
    evaluations = max(1, trial.steps // trial.evaluate_every)
    return (
        TRIAL_S + updates * step_ms / 1e3 + evaluations * EVALUATION_S * (trial.samples / 2000) * len(trial.seeds) / 8
    )


def plan_seconds(plan: Plan, jobs: int | None = None) -> float:
    """Return seconds for all trials, `jobs` of them at a time (as many as cores allow by default)."""
    at_once = jobs or max(1, cores() // plan.suite.resources.cpus)
    each = [trial_seconds(trial) for trial in plan.trials]
    return max(sum(each) / at_once, max(each))


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
