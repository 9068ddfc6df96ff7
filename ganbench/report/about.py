"""The small print: what was skipped, how each number was computed, and where the numbers come from."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganbench.core.column import Column
from ganbench.core.naming import AXES
from ganbench.core.results_files import Json
from ganbench.report.dataset_results import floor_of
from ganbench.report.wording import NONE, count, listing, name_of, number
from ganbench.suite.resolved import keys_of

if TYPE_CHECKING:
    import pandas as pd

    from ganbench.tables.manifest import RunManifest
    from ganbench.tables.results import Results

UNITS = {"1": NONE}
DIRECTIONS = {"higher": "higher is better", "lower": "lower is better", "": "neither way"}


@dataclass(frozen=True)
class Skipped:
    """A reason and the combinations that it holds for."""

    reason: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Definition:
    """How one column was computed; `floors` has one text per data set, in their order."""

    name: str
    column: str
    meaning: str
    unit: str
    direction: str
    floors: tuple[str, ...]


@dataclass(frozen=True)
class Sampled:
    """How the samples of a data set were judged."""

    dataset: str
    extractor: str
    n_real: str
    n_fake: str
    preparation: str


def skipped(manifest: RunManifest) -> list[Skipped]:
    """Return what the plan left out, by reason in the order of the plan."""
    by_reason: dict[str, list[str]] = {}
    for entry in manifest.skipped:
        by_reason.setdefault(entry.reason, []).append(entry.name)
    return [Skipped(reason, tuple(names)) for reason, names in by_reason.items()]


def skipped_cells(manifest: RunManifest) -> dict[str, dict[tuple[str, str], str]]:
    """Return data set → (loss, tricks) → why the plan left the combination out."""
    reasons: dict[str, dict[tuple[str, str], str]] = {}
    for entry in manifest.skipped:
        axes = entry.name.split(" · ")
        if len(axes) >= len(AXES) - 1:  # the schedule goes unsaid where it is the default
            labels = dict(zip(AXES, axes, strict=False))
            reasons.setdefault(labels["dataset"], {})[labels["loss"], labels["tricks"]] = entry.reason
    return reasons


def description(suite: str) -> str:
    """Return what the suite says it is for, empty where it says nothing or cannot be read."""
    text = keys_of(suite).get("description")
    return " ".join(text.split()) if isinstance(text, str) else ""


def search_of(suite: str) -> Json:
    """Return the suite's `search`, empty where it has none or cannot be read."""
    search = keys_of(suite).get("search")
    return search if isinstance(search, dict) else {}


def definitions(
    columns: Mapping[str, Column], names: Sequence[str], datasets: Sequence[pd.DataFrame]
) -> list[Definition]:
    """Return the definitions of these columns, with their floor on each data set (its rows of `runs`)."""
    return [
        Definition(
            name_of(columns[name]),
            name,
            columns[name].meaning,
            UNITS.get(columns[name].unit, columns[name].unit),
            DIRECTIONS[columns[name].direction],
            tuple(number(floor_of(name, runs)) for runs in datasets),
        )
        for name in names
    ]


def sampled(datasets: Mapping[str, pd.DataFrame]) -> list[Sampled]:
    """Return extractor, sample sizes and preparation of each data set."""
    return [
        Sampled(name, *(_values(runs, column) for column in ("extractor", "n_real", "n_fake", "preparation")))
        for name, runs in datasets.items()
    ]


def provenance(results: Results) -> list[tuple[str, str]]:
    """Return the manifest as pairs of name and text; nested values on lines of their own."""
    manifest = results.manifest
    environment = {name: value for name, value in manifest.environment.items() if name != "git"}
    git = manifest.git
    source = f"commit {git.commit[:12]}{', with changes' if git.dirty else ''}" if git else "no commit known"
    facts: list[tuple[str, object]] = [
        ("suite", f"{manifest.suite or NONE} ({manifest.suite_hash[:12] or NONE})"),
        ("run", manifest.run),
        ("seeds", _span(manifest.seeds)),
        ("source", source),
        *((name, value) for name, value in environment.items()),
        ("started", manifest.times.started),
        ("finished", manifest.times.finished),
        ("workers lost and retried", sum(manifest.retries.values())),
        ("component versions", ", ".join(f"{k} {v}" for k, v in manifest.components.items())),
    ]
    return [(name, _text(value)) for name, value in facts]


def _values(runs: pd.DataFrame, column: str) -> str:
    values = runs[column].dropna().unique().tolist() if column in runs else []
    return ", ".join(f"{v:,}" if isinstance(v, int) else str(v) for v in values) or NONE


def _span(seeds: Sequence[int]) -> str:
    """Return "0 to 7" for neighbours, otherwise the list."""
    if len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[-1] + 1)):
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(map(str, seeds)) or NONE


def _text(value: object) -> str:
    if value is None or value == [] or value == "":
        return NONE
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)


def tally(runs: pd.DataFrame) -> str:
    """Return "12 trials, 96 runs on ring and grid"."""
    trials, datasets = len(set(runs["trial"])), list(dict.fromkeys(runs["dataset"]))
    where = listing(datasets) if len(datasets) <= 4 else count(len(datasets), "data set")
    return f"{count(trials, 'trial')} and {count(len(runs), 'run')} on {where}"


def endings(runs: pd.DataFrame) -> str:
    """Return how the runs ended."""
    counts = Counter(runs["status"])
    words = {"OK": "ended well", "DIVERGED": "diverged", "FAILED": "failed", "TIMEOUT": "ran out of time"}
    return listing([f"{counts[status]:,} {text}" for status, text in words.items() if counts[status]])
