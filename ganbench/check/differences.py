"""What differs between the two sides of a comparison, before any number: what was trained, with what, and where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganbench.suite.resolved import keys_of
from ganbench.tables.manifest import RunManifest

if TYPE_CHECKING:
    from ganbench.tables.results import Results

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
    "device",
    "threads",
)
COMPILED = "compiled steps"
HEADERS = ("what differs", "", "baseline", "now")
NONE = "none"
TRIALS, OTHER_SETTINGS = "trials", "other settings"
_UNTRAINED = ("name", "description")  # keys of a suite that change nothing of what is trained
_LONGEST = 80


@dataclass(frozen=True)
class Difference:
    """One thing that differs.

    Attributes:
        kind: "suite", "trials", "seeds", "component" or "environment".
        name: the suite's key (`optimizers.0.adam.lr`), the component, the package.
        baseline, now: what it is on either side, `none` where it is not there.
    """

    kind: str
    name: str
    baseline: str
    now: str

    @property
    def cells(self) -> list[str]:
        """Return it as texts, in the order of `HEADERS`."""
        return [self.kind, self.name, self.baseline, self.now]

    def __str__(self) -> str:
        """Return it as a line."""
        return f"{' '.join(text for text in (self.kind, self.name) if text)}: {self.baseline} → {self.now}"


@dataclass(frozen=True)
class Side:
    """What one side of a comparison says of itself.

    Attributes:
        manifest: of the run, or of the plan that is about to run.
        suite: the text of the suite as resolved.
        trials: identifier → its axes in one line; empty where they are not known.
        compiled: how many of the trials have compiled steps.
    """

    manifest: RunManifest
    suite: str
    trials: Mapping[str, str]
    compiled: int = 0

    @classmethod
    def of(cls, results: Results) -> Side:
        """Return the side of results that are there."""
        from ganbench.analysis.frames import compiled_trials
        from ganbench.core.naming import AXES

        first = results.runs.drop_duplicates("trial")
        names = [" · ".join(map(str, row)) for row in first[list(AXES)].itertuples(index=False)]
        trials = dict(zip(map(str, first["trial"]), names, strict=True))
        return cls(results.manifest, results.suite, trials, len(compiled_trials(results)))

    @property
    def compiled_text(self) -> str:
        """Return how many trials have compiled steps, in words."""
        if self.compiled == len(self.trials) > 0:
            return "all trials"
        return f"{self.compiled} of {len(self.trials)} trials" if self.compiled else NONE


def differences(baseline: Side, now: Side) -> list[Difference]:
    """Return what differs: keys of the suites, trials, seeds, versions of components, libraries and hardware."""
    old, new = baseline.manifest, now.manifest
    changed = [
        *_changed("suite", _keys(baseline.suite), _keys(now.suite)),
        *_trials(baseline.trials, now.trials),
        *_changed("seeds", {"": _seeds(old.seeds)}, {"": _seeds(new.seeds)}),
        *_changed("component", _texts(old.components), _texts(new.components)),
    ]
    environments = (
        {name: _text(side.manifest.environment.get(name)) for name in ENVIRONMENT} | {COMPILED: side.compiled_text}
        for side in (baseline, now)
    )
    return [*changed, *_changed("environment", *environments)]


def _changed(kind: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Difference]:
    for name in dict.fromkeys((*old, *new)):
        before, after = old.get(name, NONE), new.get(name, NONE)
        if before != after:
            yield Difference(kind, name, before, after)


def _trials(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Difference]:
    """Yield the trials of one side alone; those whose axes are equal are one line, because their settings differ."""
    if not old or not new:
        return
    lost, added = ([name for key, name in side.items() if key not in other] for side, other in ((old, new), (new, old)))
    for name in dict.fromkeys((*lost, *added)):
        before, after = lost.count(name), added.count(name)
        if before and after:
            yield Difference(TRIALS, name, OTHER_SETTINGS, OTHER_SETTINGS)
        else:
            yield Difference(TRIALS, name, "there" if before else NONE, "there" if after else NONE)


def _keys(suite: str) -> dict[str, str]:
    """Return the suite's keys with their values, `optimizers.0.adam.lr`; none of a text that is no suite."""
    read = keys_of(suite)
    return dict(_flat({key: value for key, value in read.items() if key not in (*_UNTRAINED, "seeds")}, ""))


def _flat(value: object, path: str) -> Iterator[tuple[str, str]]:
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if below is None or not value:
        yield path, _text(value)
        return
    for key, inner in below:
        yield from _flat(inner, f"{path}.{key}" if path else str(key))


def _seeds(seeds: list[int]) -> str:
    """Return seeds as ranges, `0–7, 12`."""
    ranges: list[list[int]] = []
    for seed in sorted(seeds):
        if ranges and seed == ranges[-1][1] + 1:
            ranges[-1][1] = seed
        else:
            ranges.append([seed, seed])
    return ", ".join(str(low) if low == high else f"{low}–{high}" for low, high in ranges) or NONE


def _texts(values: Mapping[str, object]) -> dict[str, str]:
    return {name: f"version {value}" for name, value in sorted(values.items())}


def _text(value: object) -> str:
    if isinstance(value, dict):  # a commit, and whether its sources were changed
        value = f"{str(value.get('commit', ''))[:10]}{' with changes' if value.get('dirty') else ''}"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str("" if value is None else value)
    return text[:_LONGEST] or NONE
