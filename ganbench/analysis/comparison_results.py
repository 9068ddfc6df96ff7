"""From the tables of two runs to what is compared: trials paired, values taken, what is missing named."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from ganbench.analysis.comparison import compare, scores
from ganbench.analysis.comparison_identity import fingerprints
from ganbench.analysis.comparison_pairs import pair_name, pairs, trial_key
from ganbench.analysis.comparison_rows import Arms, Outcome, Row
from ganbench.analysis.comparison_rules import Rules
from ganbench.analysis.ranking import FINISHED, metric_columns
from ganbench.analysis.statistics import Values
from ganbench.core.column import Column
from ganbench.core.errors import IncomparableError
from ganbench.core.status import Status
from ganbench.tables.results import Results

if TYPE_CHECKING:
    import pandas as pd

DIVERGED = Column("diverged", "share of the runs that diverged", "1", "lower", low=0.0, high=1.0)
WHOLE = "all"  # in the place of a metric, for a trial that is missing as a whole
EVALUATION = ("extractor", "n_real", "n_fake", "preparation")
RECORDED_SINCE = ("preparation",)  # older tables lack it


@dataclass(frozen=True)
class Comparison:
    """Two runs compared.

    Attributes:
        rows: one row per trial and metric, in the order of the baseline.
        new: names of the trials that the baseline does not have.
        incomplete: names of the trials without results now.
        seeds: trial → how many seeds were trained, of a sequential comparison.
    """

    rows: tuple[Row, ...]
    rules: Rules
    new: tuple[str, ...] = ()
    incomplete: tuple[str, ...] = ()
    seeds: Mapping[str, int] = field(default_factory=dict)

    def having(self, *outcomes: Outcome) -> list[Row]:
        """Return the rows with one of these outcomes."""
        return [row for row in self.rows if row.outcome in outcomes]

    @property
    def identical(self) -> bool:
        """Return whether everything is equal to the last bit."""
        return bool(self.rows) and all(row.identical for row in self.rows)


def compare_results(
    baseline: Results, now: Results, rules: Rules, known: Mapping[str, str] | None = None
) -> Comparison:
    """Compare every trial of a baseline with the same one of another run.

    Trials are the same where their keys are; where no key is in both, where their axes and steps read the same; then
    where their axes alone do; then where those axes do that have the same values on both sides.

    Args:
        baseline: the tables of the side that is known.
        now: the tables of the side that is judged.
        rules: limits and error rates.
        known: the baseline's fingerprints, where it no longer holds all of its tables.

    Raises:
        UsageError: a rule for a metric that the baseline does not have.
        IncomparableError: no trial or metric is in both, or a trial was evaluated otherwise (extractor, samples and
            what was done to them).
    """
    side = arms_of(baseline, now, rules, known)
    return Comparison(tuple(compare(side.arms, rules)), rules, side.new, side.incomplete)


@dataclass(frozen=True)
class Sides:
    """What of two runs is compared; see `Comparison`."""

    arms: tuple[Arms, ...]
    new: tuple[str, ...]
    incomplete: tuple[str, ...]


def arms_of(
    baseline: Results, now: Results, rules: Rules, known: Mapping[str, str] | None = None, partial: bool = False
) -> Sides:
    """Return what is compared of two runs; errors are those of `compare_results`.

    Args:
        baseline: the side that is known.
        now: the side that is judged.
        rules: limits and error rates.
        known: the baseline's fingerprints, where it no longer holds all of its tables.
        partial: more seeds of the trials are still to come, so that those not there yet are not missing.
    """
    judged = _with_ranges(judged_metrics(baseline, rules), now)
    paired, new = pairs(baseline.runs, now.runs)
    old_prints, new_prints = known if known is not None else fingerprints(baseline), fingerprints(now)
    arms: list[Arms] = []
    incomplete: list[str] = []
    for base, other in paired:
        identity, name = trial_key(base if other is None else other), pair_name(base, base if other is None else other)
        if reason := _incomplete(base, other, partial):
            incomplete.append(name)
            arms.append(Arms(identity, name, WHOLE, missing=reason))
        elif other is not None:
            _same_evaluation(name, base, other)
            same = old_prints.get(trial_key(base), "") == new_prints[identity]
            arms += _arms(base, other, judged, same, rules)
    if not arms:
        raise IncomparableError("no metric to compare in the trials that both have; choose others with --metric")
    return Sides(tuple(arms), tuple(new), tuple(incomplete))


def judged_metrics(baseline: Results, rules: Rules) -> dict[str, Column]:
    """Return the metrics that are judged, by name: those of the baseline with a direction, and `diverged`.

    Raises:
        UsageError: a rule for another metric.
    """
    metrics = {name: column for name, column in metric_columns(baseline).items() if column.direction}
    metrics[DIVERGED.name] = DIVERGED
    rules.check(metrics)
    return {name: column for name, column in metrics.items() if rules.judges(name)}


def _with_ranges(judged: Mapping[str, Column], now: Results) -> dict[str, Column]:
    """Return the metrics with the ranges of both sides' tables; of two different ends the farther one.

    Where one side declares no end the other's holds: the component may have learnt its range since.
    """
    return {name: _wider(column, now.columns.get(name, column)) for name, column in judged.items()}


def _wider(column: Column, other: Column) -> Column:
    lows = [end for end in (column.low, other.low) if math.isfinite(end)]
    highs = [end for end in (column.high, other.high) if math.isfinite(end)]
    return replace(column, low=min(lows, default=-math.inf), high=max(highs, default=math.inf))


def _incomplete(base: pd.DataFrame, now: pd.DataFrame | None, partial: bool) -> str:
    """Return why a trial has no results now; empty where it has."""
    if now is None:
        return "the trial is missing"
    for status, error in zip(now["status"], now["error"], strict=True):
        if status not in FINISHED:
            return f"{status}: {error if isinstance(error, str) else 'no reason is given'}"
    if not set(base["status"]) & set(FINISHED):
        return "no run of it has results in the baseline"
    lost = set(_names(base)) - set(_names(now))
    if lost and not partial and trial_key(base) == trial_key(now):
        return f"{len(lost)} of {len(base)} runs are missing"
    return ""


def _same_evaluation(name: str, base: pd.DataFrame, now: pd.DataFrame) -> None:
    for column in EVALUATION:
        old, new = (set(runs[column].dropna()) if column in runs else set() for runs in (base, now))
        if column in RECORDED_SINCE and not (old and new):
            continue
        if old != new:
            before, after = (", ".join(map(str, sorted(side))) or "none" for side in (old, new))
            raise IncomparableError(
                f"{name}: {column} is {after} now and {before} in the baseline; evaluate both alike, "
                "or save a new baseline"
            )


def _arms(
    base: pd.DataFrame, now: pd.DataFrame, judged: Mapping[str, Column], identical: bool, rules: Rules
) -> list[Arms]:
    identity, name = trial_key(now), pair_name(base, now)
    base, now = _in_order(base.loc[base["status"].isin(FINISHED)]), _in_order(now)
    paired = _names(base) == _names(now) and len(set(_names(base))) == len(base)
    arms = []
    for metric, column in judged.items():
        about = (identity, name, metric, column.unit, column.direction)
        counted = metric == DIVERGED.name
        if counted:
            old, new, missing, note = _lost(base).astype(float), _lost(now).astype(float), "", ""
        elif _asked(base, metric):
            old, new = _values(base, metric), _values(now, metric)
            missing, note = _missing(base, now, metric, identical)
        else:
            continue
        if missing:
            arms.append(Arms(*about, missing=missing))
            continue
        known = bool(np.isfinite(old).any() or np.isfinite(new).any())
        low, high = _range(base, now, column, rules)
        old, new = scores(old, new, column.direction, high if column.direction == "lower" else low)
        arms.append(
            Arms(
                *about,
                old.clip(low, high),
                new.clip(low, high),
                low,
                high,
                note=note,
                identical=identical,
                known=known,
                paired=paired,
                counted=counted,
            )
        )
    return arms


def _in_order(runs: pd.DataFrame) -> pd.DataFrame:
    return runs.sort_values([name for name in ("setting", "seed") if name in runs])


def _names(runs: pd.DataFrame) -> list[tuple[int, int]]:
    """Return each run's setting and seed: runs of the same two are a pair, whose sides differ by the change alone."""
    settings = runs["setting"].fillna(-1) if "setting" in runs else np.full(len(runs), -1)
    return [(int(setting), int(seed)) for setting, seed in zip(settings, runs["seed"], strict=True)]


def _range(base: pd.DataFrame, now: pd.DataFrame, column: Column, rules: Rules) -> tuple[float, float]:
    """Return the least and the greatest value that a run can have; infinite where that is not known.

    No run can have more modes than the data has.
    """
    seen = _seen(base, now, column.name, f"{column.name}_floor")
    low, high = column.low, column.high
    modes = _seen(base, now, "known_modes") if column.unit == "modes" else np.empty(0)
    if modes.any():
        high = float(modes.max())
    if len(seen):  # rounding, or a component that declares less than it gives
        low, high = min(low, float(seen.min())), max(high, float(seen.max()))
    end = rules.worst.get(column.name)
    if end is None:
        return low, high
    return (low, end) if column.direction == "lower" else (end, high)


def _seen(base: pd.DataFrame, now: pd.DataFrame, *names: str) -> np.ndarray:
    """Return the finite values of these columns on both sides."""
    values = np.concatenate([_values(runs, name) for runs in (base, now) for name in names])
    return values[np.isfinite(values)]


def _missing(base: pd.DataFrame, now: pd.DataFrame, metric: str, identical: bool) -> tuple[str, str]:
    """Return why a metric cannot be judged (a run without divergence lacks its number), or what else to say of it."""
    if not _asked(now, metric):
        return "the metric is missing", ""
    old, new = (~np.isfinite(_values(runs, metric)) & ~_lost(runs) for runs in (base, now))
    lost = (~np.isfinite(_values(base, metric))).all()
    if old.any() and lost:
        return "the baseline has no value", ""
    if not identical and new.mean() > old.mean():
        before = f", {int(old.sum())} of {len(base)} in the baseline" if old.any() else ""
        return f"not a number in {int(new.sum())} of {len(now)} runs, although they did not diverge{before}", ""
    notes = []
    if old.any():
        sides = f"{int(old.sum())} of {len(base)} runs in the baseline and {int(new.sum())} of {len(now)} now"
        notes.append(f"{sides} have no value, although they did not diverge")
    if lost:
        notes.append("all runs of the baseline diverged")
    return "", "; ".join(notes)


def _asked(runs: pd.DataFrame, metric: str) -> bool:
    """Return whether the trial computed it: every metric that is asked for has its floor, however the runs ended."""
    return metric in runs and bool(np.isfinite(_values(runs, f"{metric}_floor")).any())


def _lost(runs: pd.DataFrame) -> np.ndarray:
    return (runs["status"] == Status.DIVERGED).to_numpy(dtype=bool)


def _values(runs: pd.DataFrame, name: str) -> Values:
    return np.asarray(runs[name] if name in runs else np.full(len(runs), math.nan), dtype=np.float64)
