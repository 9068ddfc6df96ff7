"""A rough guess of how long a plan takes, from step counts and layer widths. Expect it to be off by a factor of two."""

from __future__ import annotations

import math
import os

from ganbench.core.errors import UsageError, component_errors
from ganbench.core.trial import Trial
from ganbench.suite.plan import Plan

# Measured on one core with 8 seeds, in ms a step: 1.2 for an mlp of width 64 at batch 64, 8.9 for 128 at 256, 3.6 for a
# discriminator of 3×128, 17 and 46 for a dcgan on 8×8 and 16×16 images, 124 and 523 for a resnet; and the start of Ray.
# The mlps are taken for a third more: two trials side by side share what is between the cores and the memory.
STEP_MS = 1.2
MS_PER_GFLOP = 16.0
EVALUATION_S = 0.02
TRIAL_S = 0.7
START_S = 8.0
YEAR_S = 365 * 86_400
LONGEST_S = YEAR_S


def trial_seconds(trial: Trial) -> float:
    """Return seconds on one core: a fixed cost per step, the arithmetic of every seed, and the evaluations."""
    critics = trial.n_critic / trial.n_generator  # updates of D in a step, which is one of the generator
    with component_errors(trial.name):
        step_ms = STEP_MS * (1 + critics) / 2 + len(trial.lanes) * _gflop(trial, critics) * MS_PER_GFLOP
        step_ms *= math.prod(trick.build().step_cost for trick in trial.tricks)
    evaluations = max(1, trial.steps // trial.evaluate_every)
    return (
        TRIAL_S
        + trial.steps * step_ms / 1e3
        + evaluations * EVALUATION_S * (trial.samples / 2000) * len(trial.lanes) / 8
    )


def plan_seconds(plan: Plan, jobs: int | None = None) -> float:
    """Return seconds for all trials, `jobs` of them at a time (as many as cores allow by default)."""
    max_concurrent = jobs or max(1, cores() // plan.suite.resources.cpus)
    each = [trial_seconds(trial) for trial in (*(plan.trials or plan.cells), *_confirming(plan))]
    if plan.suite.search is not None and not plan.trials:
        each = [sum(each) / len(each)] * plan.suite.search.trials
    return START_S + max(sum(each) / max_concurrent, max(each))


def later_seconds(plan: Plan) -> float:
    """Return seconds of one trial that is made only when others have ended: a confirming one, or one of a search."""
    each = [trial_seconds(trial) for trial in _confirming(plan) or plan.cells]
    return sum(each) / len(each) if each else 1.0


def _confirming(plan: Plan) -> list[Trial]:
    """Return trials that cost what those cost that confirm."""
    return [method.confirming(0, 0) for method in plan.methods for _ in range(method.confirmed)]


def require_feasible(plan: Plan) -> None:
    """Refuse a plan with a trial that this machine cannot train, before a worker dies of it.

    Raises:
        UsageError: the weights of a trial do not fit into memory, or it would take more than a year.
    """
    for trial in plan.trials or plan.cells:
        needed, there = _weights_bytes(trial), memory_bytes()
        if needed > there:
            raise UsageError(
                f"{trial.name}: its weights take about {_size(needed)} and this machine has {_size(there)}; "
                "lower the network's width or depth, or the seeds"
            )
        if (seconds := trial_seconds(trial)) > LONGEST_S:
            raise UsageError(
                f"{trial.name}: would take about {seconds / YEAR_S:,.0f} years here; lower `steps`, the size "
                "of the network, or what a trick does per step"
            )


def memory_bytes() -> float:
    """Return this machine's memory; infinite where the system does not say."""
    if not hasattr(os, "sysconf") or not {"SC_PHYS_PAGES", "SC_PAGE_SIZE"} <= os.sysconf_names.keys():
        return math.inf
    return float(os.sysconf("SC_PHYS_PAGES")) * os.sysconf("SC_PAGE_SIZE")


def _weights_bytes(trial: Trial) -> float:
    """Return the memory of all weights that train at once, with their gradient and two moments, at least.

    Of a convolution each weight is used at many places of a sample, so its products say nothing of its memory.
    """
    network = trial.network.build()
    if network.convolutions:
        return 0.0
    with component_errors(trial.name):
        return 16.0 * len(trial.packs[0].lanes) * sum(network.products(getattr(trial.dataset.build(), "shape", ())))


def _size(number: float) -> str:
    """Return `15 GB`."""
    for unit in ("bytes", "kB", "MB", "GB", "TB", "PB"):
        if number < 1000 or unit == "PB":
            return f"{number:,.3g} {unit}" if number < 1000 else f"{number:,.0f} {unit}"
        number /= 1000
    raise AssertionError


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def duration(seconds: float) -> str:
    """Return `40 s`, `8 min` or `3.5 h`."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _gflop(trial: Trial, critics: float) -> float:
    """Return the arithmetic of one seed's step, with so many updates of D.

    Products per weight and sample: D's update takes three of D for real and for generated samples, and one of G, which
    generates; G's takes two of D, for the gradient passes through it, and three of G.
    """
    g, d = trial.network.build().products(getattr(trial.dataset.build(), "shape", ()))
    return 2 * trial.batch * (critics * (6 * d + g) + 2 * d + 3 * g) / 1e9
