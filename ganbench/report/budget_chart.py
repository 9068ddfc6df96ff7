"""Budget curves of all methods in one picture: what the best of k settings reaches."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from ganbench.core.column import Column
from ganbench.report.labelled import Area, Series, labelled
from ganbench.report.plot import Scale
from ganbench.report.wording import name_of, number

LOG_FROM = 16  # settings


def budget_chart(budgets: pd.DataFrame, lead: Column, names: Mapping[str, str]) -> str:
    """Return the `<svg>` of one data set; empty with fewer than two settings.

    A line is the expected best of k settings. The one that the pointer or the keyboard is on stands out, with its
    median best (dotted) and the 95 % interval of that; an end that so few settings do not set is left open.

    Args:
        budgets: its rows of `ganbench.analysis.budget`.
        lead: the measure.
        names: method → how it is called, in the order of the ranking.
    """
    curves = {str(name): part for name, part in budgets.groupby("method", sort=False) if str(name) in names}
    largest = max((len(part) for part in curves.values()), default=0)  # k = 1, 2, …
    finite = [v for part in curves.values() for v in part["value"] if math.isfinite(v)]
    if largest < 2 or not finite:
        return ""
    ordered = [name for name in names if name in curves and np.isfinite(curves[name]["value"].to_numpy(float)).all()]
    counts = lead.unit == "modes"
    x = Scale(1.0, float(largest), "log" if largest > LOG_FROM else "linear")
    area = Area.holding(len(ordered), x, _padded(Scale.spanning(finite, counts=counts)))
    frame = area.frame([(k, str(k)) for k in _budgets(largest, x.kind == "log")], "settings tried, k", counts)
    series = [_series(area, curves[name], names[name], name_of(lead)) for name in ordered]
    label = f"{name_of(lead)} that the best of k settings is expected to reach, k from 1 to {largest}"
    return labelled(area, frame, series, label)


def _series(area: Area, curve: pd.DataFrame, name: str, lead: str) -> Series:
    k = curve["k"].tolist()
    first, last = (number(float(curve["value"].iloc[at])) for at in (0, -1))
    low, high = curve["low"].to_numpy(float), curve["high"].to_numpy(float)
    low = np.where(np.isnan(low), area.y.low, low)
    high = np.where(np.isnan(high), area.y.high, high)
    edges = np.concatenate([area.at(k, low.tolist()), area.at(k, high.tolist())[::-1]])
    spoken = f"{name}: best of 1 {first}, best of {k[-1]} {last} {lead}"
    points, dotted = (area.at(k, curve[column].tolist()) for column in ("value", "median"))
    return Series(name, spoken, last, points, edges, dotted)


def _padded(scale: Scale) -> Scale:
    if scale.kind == "log":
        return scale
    pad = 0.03 * (scale.high - scale.low)
    return Scale(scale.low - (pad if scale.low else 0.0), scale.high + pad)


def _budgets(largest: int, log: bool) -> list[int]:
    """Return the labelled budgets: powers of two on a log axis, else up to nine whole numbers."""
    if log:
        return [2**i for i in range(largest.bit_length()) if 2**i <= largest]
    return list(range(1, largest + 1, math.ceil((largest - 1) / 8) or 1))
