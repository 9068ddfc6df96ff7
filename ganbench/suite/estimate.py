"""A rough guess of how long a plan takes, from step counts and layer widths. Expect it to be off by a factor of two."""

from __future__ import annotations

import math
import os

from ganbench.core import registry
from ganbench.core.trial import Choice, Trial
from ganbench.suite.plan import Plan

# Fitted on one core with 8 seeds, in ms a step: 1.2 for an mlp of width 64 at batch 64, 8.9 for 128 at 256, 3.6 for a
# discriminator of 3×128, 17 and 46 for a dcgan on 8×8 and 16×16 images, 124 and 523 for a resnet; and the start of Ray.
STEP_MS = 0.9
MS_PER_GFLOP = 12.0
PENALTY = 1.5
# What a step with a trick costs in plain ones, where that is much (results/baselines/trick_costs.json).
COSTS = {
    "batch_norm": 2.5,
    "consensus": 3.2,
    "dropout": 1.7,
    "extragradient": 2.0,
    "layer_norm": 1.4,
    "minibatch_stddev": 3.4,
    "self_attention": 2.2,
    "spectral_norm": 1.4,
    "virtual_batch_norm": 3.0,
    "weight_norm": 1.8,
}
COST_A_STEP = 1.4  # of unrolled, in plain steps
COST_A_KERNEL = 0.27  # of minibatch_discrimination
PRODUCTS = {"dcgan": 6, "resnet": 14}  # 3×3 convolutions of the full width that their layers come to
EVALUATION_S = 0.02
TRIAL_S = 0.7
START_S = 8.0


def trial_seconds(trial: Trial) -> float:
    """Return seconds on one core: a fixed cost a step, the arithmetic of every seed, and the evaluations."""
    updates = trial.steps * (1 + trial.n_critic / trial.n_generator) / 2  # a step is one of the generator
    step_ms = STEP_MS + len(trial.seeds) * _gflop(trial) * MS_PER_GFLOP
    step_ms *= math.prod(_cost(trick) for trick in trial.tricks)
    evaluations = max(1, trial.steps // trial.evaluate_every)
    return (
        TRIAL_S + updates * step_ms / 1e3 + evaluations * EVALUATION_S * (trial.samples / 2000) * len(trial.seeds) / 8
    )


def plan_seconds(plan: Plan, jobs: int | None = None) -> float:
    """Return seconds for all trials, `jobs` of them at a time (as many as cores allow by default)."""
    max_concurrent = jobs or max(1, cores() // plan.suite.resources.cpus)
    each = [trial_seconds(trial) for trial in plan.trials or plan.cells]
    if plan.suite.search is not None and not plan.trials:
        each = [sum(each) / len(each)] * plan.suite.search.trials
    return START_S + max(sum(each) / max_concurrent, max(each))


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def duration(seconds: float) -> str:
    """Return `40 s`, `8 min` or `3.5 h`."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _cost(trick: Choice) -> float:
    """Return what a step with a trick costs in plain steps."""
    if trick.name == "unrolled":
        return 1 + COST_A_STEP * trick.parameters["steps"]
    if trick.name == "minibatch_discrimination":
        return 1 + COST_A_KERNEL * trick.parameters["kernels"]
    penalty = PENALTY if "penalty" in registry.find("trick", trick.name).traits else 1.0
    return COSTS.get(trick.name, penalty)


def _gflop(trial: Trial) -> float:
    """Return the arithmetic of one seed's step: eight products a weight of D and sample, four a weight of G."""
    p = trial.network.parameters
    if "channels" in p:  # convolutions use each of their weights at every place of the map
        places = math.prod(getattr(trial.dataset.build(), "shape", ())[1:])
        product = PRODUCTS.get(trial.network.name, PRODUCTS["dcgan"]) * places
        g, d = product * p["channels"] ** 2, product * (p.get("d_channels") or p["channels"]) ** 2
    else:
        width, depth = p.get("width", 64), p.get("depth", 2)
        d_width, d_depth = p.get("d_width") or width, p.get("d_depth") or depth
        g, d = max(1, depth - 1) * width**2, max(1, d_depth - 1) * d_width**2 * p.get("d_maxout", 1)
    return 2 * trial.batch * (8 * d + 4 * g) / 1e9
