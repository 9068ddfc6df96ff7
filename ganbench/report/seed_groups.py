"""Trials that differ in their seeds alone, as a cure trains them one group after the other, taken together as one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from ganbench.core.naming import AXES
from ganbench.tables.results import Results, Samples


class JoinedSamples(Samples):
    """The pictures of joined trials: those of their seeds side by side, at the steps that all of them have."""

    def __init__(self, samples: Samples, groups: Mapping[str, list[str]]) -> None:
        self._samples = samples
        self._groups = {first: trials for first, trials in groups.items() if all(trial in samples for trial in trials)}

    def __getitem__(self, trial: str) -> dict[str, np.ndarray]:
        """Return `{"steps": [k], "samples": [k, S, n, *shape], "real": [n, *shape]}`."""
        parts = [self._samples[one] for one in self._groups[trial]]
        if len(parts) == 1:
            return parts[0]
        common = [step for step in parts[0]["steps"].tolist() if all(step in part["steps"] for part in parts)]
        kept = [part["samples"][np.isin(part["steps"], common)] for part in parts]
        steps = np.array(common, dtype=parts[0]["steps"].dtype)
        return {"steps": steps, "samples": np.concatenate(kept, axis=1), "real": parts[0]["real"]}

    def __iter__(self) -> Iterator[str]:
        return iter(self._groups)

    def __len__(self) -> int:
        return len(self._groups)


def joined(results: Results) -> Results:
    """Return the results with trials that are equal but for their seeds as one trial, named as the first of them.

    Trials are equal whose axes, steps and settings are; ones that have a seed in common stay apart.
    """
    runs = results.runs
    names = [name for name in (*AXES, "steps", "setting", "stage", "extractor") if name in runs]
    firsts: dict[tuple[str, ...], str] = {}
    groups: dict[str, list[str]] = {}
    seeds: dict[str, set[int]] = {}
    for row in runs.drop_duplicates("trial")[["trial", *names]].itertuples(index=False, name=None):
        trial, key = str(row[0]), tuple(map(str, row[1:]))
        mine = set(runs.loc[runs["trial"] == trial, "seed"].tolist()) if key in firsts else None
        first = firsts.setdefault(key, trial)
        if mine is None:
            groups[trial] = [trial]
            continue
        if first not in seeds:
            seeds[first] = set(runs.loc[runs["trial"] == first, "seed"].tolist())
        if mine & seeds[first]:
            groups[trial] = [trial]
        else:
            groups[first].append(trial)
            seeds[first] |= mine
    if all(len(trials) == 1 for trials in groups.values()):
        return results
    of = {trial: first for first, trials in groups.items() for trial in trials}
    order = {trial: place for place, trial in enumerate(trial for trials in groups.values() for trial in trials)}
    return replace(
        results,
        runs=_renamed(runs.sort_values("trial", key=lambda column: column.map(order), kind="stable"), of),
        history=_renamed(results.history, of),
        layers=_renamed(results.layers, of),
        samples=JoinedSamples(results.samples, groups),
    )


def _renamed(frame: pd.DataFrame, of: Mapping[str, str]) -> pd.DataFrame:
    return frame.assign(trial=frame["trial"].map(of.get).astype(frame["trial"].dtype)).reset_index(drop=True)
