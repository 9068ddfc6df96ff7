"""The manifest of a run: what a reader needs to trust its numbers, and to make them again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ganbench.suite.plan import Plan
from ganbench.tables.manifest import FORMAT, environment


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
