"""The strip of a table's row: its seeds as dots, their mean and its interval, on a scale that the rows share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ganbench.core.status import Status
from ganbench.report.dataset_results import DatasetResults
from ganbench.report.plot import Scale
from ganbench.report.wording import number

WIDTH, HEIGHT, INSET, RADIUS = 150, 30, 6, 2.4  # of a strip and its dots


@dataclass(frozen=True)
class Dot:
    """A seed's place."""

    x: float
    y: float
    diverged: bool


@dataclass(frozen=True)
class Strip:
    """What a row's strip shows, in its own units of `WIDTH` by `HEIGHT`.

    Attributes:
        dots: one a finished run; equal values are stacked. radius: of a dot. low, high, mean: of the interval.
        text: the alternative.
    """

    dots: tuple[Dot, ...]
    radius: float
    low: float | None
    high: float | None
    mean: float | None
    text: str


def strips(data: DatasetResults) -> dict[str, Strip]:
    """Return trial → its strip, by the leading metric; empty where there is none."""
    if data.lead is None:
        return {}
    lead, fill, runs = data.lead.name, data.fill, data.runs
    values: dict[str, list[float]] = {}
    for trial, status, value in zip(runs["trial"], runs["status"], runs[lead].to_numpy(float).tolist(), strict=True):
        if status in (Status.OK, Status.DIVERGED):
            values.setdefault(trial, []).append(value)
    seen = [fill, data.floor, *(value for each in values.values() for value in each)]
    scale = Scale.spanning(seen, counts=data.lead.unit == "modes")
    return {
        row["trial"]: strip(
            values[row["trial"]], fill, row[f"{lead}_mean"], row[f"{lead}_low"], row[f"{lead}_high"], scale
        )
        for row in data.ranked
        if row["trial"] in values
    }


def strip(values: Sequence[float], fill: float, mean: float, low: float, high: float, scale: Scale) -> Strip:
    """Return the strip of a trial's finished runs; those without a value stand at `fill`, as they are counted."""
    counted = sorted((fill if math.isnan(v) else v, math.isnan(v)) for v in values)
    counted = [one for one in counted if not math.isnan(one[0])]
    columns: dict[float, list[bool]] = {}
    for x, (_, diverged) in zip(_across([value for value, _ in counted], scale), counted, strict=True):
        columns.setdefault(x, []).append(diverged)
    tallest = max(map(len, columns.values()), default=1)
    gap = min(2.2 * RADIUS, (HEIGHT - 2 * RADIUS) / max(tallest - 1, 1))
    dots = [
        Dot(x, round(HEIGHT / 2 + (i - (len(stack) - 1) / 2) * gap, 1), diverged)
        for x, stack in columns.items()
        for i, diverged in enumerate(stack)
    ]
    seeds = ", ".join("diverged" if math.isnan(v) else number(v) for v in values)
    ends = [None if math.isnan(x) else x for x in _across([low, high, mean], scale)]
    return Strip(tuple(dots), round(min(RADIUS, 0.46 * gap), 2), ends[0], ends[1], ends[2], f"seeds: {seeds}")


def _across(values: Sequence[float], scale: Scale) -> list[float]:
    return [round(x, 1) for x in (INSET + (WIDTH - 2 * INSET) * scale.place(values)).tolist()]
