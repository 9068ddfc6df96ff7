"""The manifest of a run: what a reader needs to trust its numbers, and to make them again."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganbench import __version__
from ganbench.core.environment import cpu_model, version
from ganbench.suite.plan import Plan

FORMAT = 1
PACKAGES = ("torch", "numpy", "pandas", "scikit-learn", "torch-fidelity", "ray")
TIMES = ("started", "finished", "seconds")


def manifest(
    plan: Plan, failures: Mapping[str, Mapping[str, str]], retries: Mapping[str, int], times: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the manifest of a plan; two runs of one suite differ in `times` alone.

    Args:
        plan: what was run.
        failures: key → status and error of the trials that have no result.
        retries: key → how often its worker died, over all attempts.
        times: `started`, `finished` (ISO 8601, UTC) and `seconds` of training in this call.
    """
    keys = {trial.key for trial in plan.trials}
    failed = sorted(key for key in failures if key in keys)
    versions: dict[str, int] = {}
    for trial in plan.trials:
        versions |= trial.versions
    return {
        "format": FORMAT,
        "suite": plan.name,
        "suite_hash": suite_hash(plan),
        "run": plan.run_id,
        "environment": environment(plan.suite.resources.cpus, plan.suite.resources.device),
        "components": dict(sorted(versions.items())),
        "seeds": sorted({seed for trial in plan.trials for seed in trial.seeds}),
        "counts": {
            "trials": len(plan.trials),
            "runs": sum(len(trial.seeds) for trial in plan.trials),
            "failed": len(failed),
            "skipped": len(plan.skipped),
            "excluded": plan.excluded,
        },
        "skipped": [{"name": trial.name, "reason": reason} for trial, reason in plan.skipped],
        "failed": [{"trial": key[:12], **failures[key]} for key in failed],
        "retries": {key[:12]: count for key, count in sorted(retries.items())},
        "times": dict(times),
    }


def suite_hash(plan: Plan) -> str:
    """Return the SHA-256 of the suite as resolved."""
    text = json.dumps(plan.suite.resolved(), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def environment(threads: int = 1, device: str = "cpu") -> dict[str, Any]:
    """Return where the numbers come from: versions, source, machine. Costs no import of torch."""
    return {
        "ganbench": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
        "git": git(Path(__file__).parent),
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "gpu": gpus(),
        "threads": threads,
        "device": device,
    }


def git(folder: Path) -> dict[str, Any] | None:
    """Return the commit of the checkout that holds ganbench and whether sources differ from it; None without git."""
    commit = _output("git", "-C", str(folder), "rev-parse", "HEAD")
    # An installed copy may lie inside somebody else's checkout, whose commit says nothing about ganbench.
    tracked = _output("git", "-C", str(folder), "ls-files", "--", "__init__.py")
    if not commit or not tracked:
        return None
    return {"commit": commit, "dirty": bool(_output("git", "-C", str(folder), "status", "--porcelain", "--", "."))}


def gpus() -> list[str]:
    """Return the names of NVIDIA's GPUs."""
    if shutil.which("nvidia-smi") is None:
        return []
    return (_output("nvidia-smi", "--query-gpu=name", "--format=csv,noheader") or "").splitlines()


def _output(*command: str) -> str | None:
    """Return what a command prints, or None if it fails or is not there."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
