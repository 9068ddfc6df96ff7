"""Whether two runs may be compared at all: found out before anything is trained, from what they say of themselves."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from ganbench.core.errors import IncomparableError, UsageError
from ganbench.tables.manifest import RunManifest

if TYPE_CHECKING:
    import pandas as pd

    from ganbench.suite.plan import Plan

MEASURING = ("dataset", "extractor", "metric")


def require_same(baseline: RunManifest, now: RunManifest) -> None:
    """Raise where a run cannot be held against a baseline.

    Component versions that both have must be equal, and the suites too, as resolved, unless both come to the same
    trials (then it was a description or a time limit that was edited). Fewer trials of an equal suite are comparable:
    those that are missing are reported.

    Args:
        baseline: its manifest.
        now: the manifest of the run, or of the plan that is about to run.

    Raises:
        IncomparableError: with what differs, and the remedy.
    """
    for name in ("suite_hash", "run", "components"):
        for side, manifest in (("baseline", baseline), ("run", now)):
            if manifest.monitor is not None:
                raise IncomparableError(
                    f"the {side} is one monitored run, which no suite can train again; `ganbench compare` shows two of "
                    "them beside each other"
                )
            if not getattr(manifest, name):
                raise IncomparableError(f"the manifest of the {side} has no {name!r}; make it again with this version")
    require_versions(baseline, now)
    if baseline.run != now.run and baseline.suite_hash != now.suite_hash:
        suites = f"{now.suite or '?'} is not the suite of the baseline ({baseline.suite or '?'}) any more"
        raise IncomparableError(
            f"{suites}: its trials or their settings changed; save a new baseline, or see `ganbench compare`"
        )


def require_repeatable(plan: Plan) -> None:
    """Raise where a suite's search makes trials up as it goes, so that no baseline can hold the same ones.

    Raises:
        UsageError: with the remedy.
    """
    search = plan.suite.search
    if search is not None and search.needs_ray:
        kind = "optuna" if search.adaptive else search.scheduler
        raise UsageError(
            f"{plan.suite.place(('search',))}: what {kind} trains depends on what it found, so it cannot be trained "
            "again; check the folder of a run, or a suite of its best trial"
        )


def require_same_extractors(plan: Plan, baseline: pd.DataFrame) -> None:
    """Raise where the weights here are not those that judged the trials of a baseline.

    Args:
        plan: what is about to be trained.
        baseline: its table of runs.

    Raises:
        IncomparableError: with both, and the remedy.
    """
    from ganbench.sweep.inputs import identity

    judged = dict(baseline[["trial", "extractor"]].dropna().itertuples(index=False)) if "extractor" in baseline else {}
    for trial in plan.trials:
        was, now = judged.get(trial.id), identity(trial)
        if was and now and was != now:
            raise IncomparableError(
                f"{trial.name}: the baseline was judged by {was}, and the weights are now those of {now}; name the old "
                "ones with --weights, or save a new baseline"
            )


def require_versions(baseline: RunManifest, now: RunManifest, kinds: Collection[str] | None = None) -> None:
    """Raise where a component that both used has another version.

    Args:
        baseline: a manifest.
        now: another.
        kinds: of these kinds alone; all by default.

    Raises:
        IncomparableError: with the components.
    """
    old, new = baseline.components, now.components
    changed = [
        f"{name} (now {new[name]}, baseline {old[name]})"
        for name in sorted(old.keys() & new.keys())
        if old[name] != new[name] and (kinds is None or name.split(":")[0] in kinds)
    ]
    if changed:
        raise IncomparableError(
            f"another version of {', '.join(changed)}: different versions are never compared; save a new baseline"
        )
