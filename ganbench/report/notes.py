"""What a mean over seeds hides: seeds that all agree, and seeds that fall into two groups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ganbench.analysis.ranking import FINISHED
from ganbench.analysis.statistics import clopper_pearson, scored
from ganbench.core.column import Column
from ganbench.report.dataset_results import DatasetResults
from ganbench.report.wording import number

FEWEST = 6  # seeds that can show two groups
GAP, GROUP = 0.5, 0.2  # of the range: the gap between two groups; of the seeds: the smaller group


@dataclass(frozen=True)
class Note:
    """What stands beneath a mean instead of the median."""

    text: str


def lead_notes(data: DatasetResults) -> dict[str, Note]:
    """Return trial → its note, for trials whose seeds all agree or fall into two groups by the leading metric.

    Diverged runs count as the worst.
    """
    lead = data.lead
    if lead is None:
        return {}
    finished = data.runs.loc[data.runs["status"].isin(FINISHED), ["trial", lead.name]]
    values: dict[str, list[float]] = {str(row["trial"]): [] for row in data.ranked}
    for trial, value in zip(finished["trial"], scored(finished[lead.name], data.fill).tolist(), strict=True):
        values[str(trial)].append(value)
    notes = {trial: _note(each, lead, data.floor) for trial, each in values.items()}
    return {trial: note for trial, note in notes.items() if note is not None}


def agreement(n: int, value: float, lead: Column, floor: float) -> str:
    """Return what n seeds that all have one value say: "8 of 8 seeds keep all modes, ≥ 63 %".

    The last number is the lower end of the 95 % interval (Clopper and Pearson) of the share of seeds that would agree.
    Modes are kept where the value is that of real samples, `floor`, which is a count of two or more.
    """
    modes = round(floor) if lead.name.startswith("modes_") and math.isfinite(floor) else 0
    keep = " keep all modes" if value >= modes >= 2 else ""
    return f"{n} of {n} seeds{keep}, ≥ {100 * clopper_pearson(n, n).low:.0f} %"


def _note(values: Sequence[float], lead: Column, floor: float) -> Note | None:
    known = np.sort(np.asarray(values, dtype=np.float64))
    if len(known) < 2 or not np.isfinite(known).all():
        return None
    if known[0] == known[-1]:
        return Note(agreement(len(known), float(known[0]), lead, floor))
    parts = two_groups(known)
    if parts is None:
        return None
    groups = [f"{len(part)} near {number(float(np.median(part)))}" for part in parts]
    return Note(f"two groups: {', '.join(reversed(groups))}")


def two_groups(values: Sequence[float] | np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the lower and the upper group of values with one gap of half their range or more; None without one.

    Each group has a fifth of the values or more. It describes the values and tests nothing.

    Example:
        >>> [part.tolist() for part in two_groups([1, 1, 1, 8, 8, 8])]
        [[1, 1, 1], [8, 8, 8]]
    """
    known = np.sort(np.asarray(values))
    halves = known / 2  # of the largest floats the difference would be infinite
    reach = halves[-1] - halves[0]
    if len(known) < FEWEST or reach == 0:
        return None
    at = int(np.diff(halves).argmax()) + 1
    smaller = min(at, len(known) - at)
    if halves[at] - halves[at - 1] < GAP * reach or smaller < GROUP * len(known):
        return None
    return known[:at], known[at:]
