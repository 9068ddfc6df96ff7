"""Whether two runs may be compared at all, from their manifests alone, so before anything is trained."""

from __future__ import annotations

from collections.abc import Collection

from ganbench.core.errors import IncomparableError
from ganbench.tables.manifest import RunManifest

ENVIRONMENT = (
    "ganbench",
    "python",
    "torch",
    "numpy",
    "scikit-learn",
    "torch-fidelity",
    "system",
    "cpu",
    "gpu",
    "threads",
)
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


def differences(baseline: RunManifest, now: RunManifest) -> list[str]:
    """Return what may shift numbers although both can be compared, one line each: libraries and hardware."""
    old, new = baseline.environment, now.environment
    return [
        f"{name} is {_text(new.get(name))} now and {_text(old.get(name))} in the baseline"
        for name in ENVIRONMENT
        if old.get(name) != new.get(name)
    ]


def _text(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value if value is not None else "")
    return text or "none"
