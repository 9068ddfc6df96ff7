"""The manifest of a plan's run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from ganbench.core.file_set import MANIFEST
from ganbench.core.naming import trial_id
from ganbench.suite.plan import Plan
from ganbench.tables.manifest import FORMAT, RunManifest, Skipped, Times, environment


def manifest(
    plan: Plan,
    failures: Mapping[str, Mapping[str, str]],
    retries: Mapping[str, int],
    times: Times,
    where: Mapping[str, object] | None = None,
) -> RunManifest:
    """Return the manifest of a plan; two runs of one suite differ in `times` alone.

    Args:
        plan: what was run.
        failures: key → status and error of the trials that have no result.
        retries: trial → how often its worker died, over all calls.
        times: of this call.
        where: the environment that the numbers are from; this process's by default.
    """
    failed = sorted(failures.keys() & {trial.key for trial in plan.trials})
    versions: dict[str, int | str] = {}
    for trial in plan.trials:
        versions |= trial.versions
    resources = plan.suite.resources
    return RunManifest(
        format=FORMAT,
        suite=plan.name,
        suite_hash=suite_hash(plan),
        run=plan.run_id,
        environment=environment(resources.cpus, resources.device) if where is None else dict(where),
        components=dict(sorted(versions.items())),
        seeds=sorted({seed for trial in plan.trials for seed in trial.seeds}),
        counts={
            "trials": len(plan.trials),
            "runs": sum(len(trial.lanes) for trial in plan.trials),
            "failed": len(failed),
            "skipped": len(plan.skipped),
            "excluded": plan.excluded,
        },
        skipped=[Skipped(name=trial.name, reason=reason) for trial, reason in plan.skipped],
        failed=[{"trial": trial_id(key), **failures[key]} for key in failed],
        retries=dict(sorted(retries.items())),
        times=times,
    )


def suite_hash(plan: Plan) -> str:
    """Return the SHA-256 of the suite as resolved."""
    text = json.dumps(plan.suite.resolved(), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def previous(out: Path) -> RunManifest | None:
    """Return the manifest that an earlier call left, if it can be read."""
    try:
        left = RunManifest.read(out / MANIFEST)
    except (OSError, ValueError):
        return None
    return left if left.format == FORMAT else None
