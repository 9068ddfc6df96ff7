"""Which trials of a suite have their steps compiled (`resources.compile`): told from the trial alone."""

from __future__ import annotations

import os
import platform
import shutil
from typing import Literal

from ganbench.core.trial import Trial
from ganbench.suite.estimate import duration, trial_seconds
from ganbench.suite.plan import Plan

Compile = bool | Literal["auto"]

# A compiled step takes 0.57 to 0.71 of an eager one (docs/performance.md), and compiling 10 to 60 s of a core: a trial
# of two to four minutes gets even. The estimate of a trial's time may be off by two, so `auto` asks for more.
AUTO_SECONDS = 600.0


def eager_reason(trial: Trial, compile: Compile, device: str = "cpu") -> str | None:
    """Return why a trial's steps are not compiled; None where they are.

    Args:
        trial: what is to be trained.
        compile: `resources.compile`: `auto` compiles the steps of trials that are long enough for it to pay.
        device: where it is trained; `"auto"` is taken for the CPU.
    """
    if not compile:
        return "it was not asked for"
    if device == "cuda":
        return "only steps on the CPU are compiled"
    if compiler() is None:
        return "there is no C++ compiler here; install g++ or name one in CXX"
    if names := _not_functions(trial):
        return f"{', '.join(names)} cannot be compiled"
    if compile == "auto" and trial_seconds(trial) < AUTO_SECONDS:
        return f"it pays from {duration(AUTO_SECONDS)} of training on"
    return None


def eager_reasons(plan: Plan) -> dict[Trial, str]:
    """Return the trials of a plan whose steps are not compiled, each with the reason."""
    resources = plan.suite.resources
    reasons = ((t, eager_reason(t, resources.compile, resources.device)) for t in plan.trials or plan.cells)
    return {trial: reason for trial, reason in reasons if reason is not None}


def compiler() -> str | None:
    """Return the C++ compiler that torch would call, or None without one."""
    return shutil.which(os.environ.get("CXX") or ("clang++" if platform.system() == "Darwin" else "g++"))


def _not_functions(trial: Trial) -> list[str]:
    """Return the components with which a step is no function of tensors, see `training/compiled.py`."""
    network, loss, tricks = trial.network.build(), trial.loss.build(), [choice.build() for choice in trial.tricks]
    return [
        *([] if network.compiles else [network.name]),
        *([loss.name] if loss.is_stateful else []),
        *(trick.name for trick in tricks if not trick.compiles or "rule" in trick.hooks),
    ]
