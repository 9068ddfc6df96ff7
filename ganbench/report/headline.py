"""The answer in a sentence a human would say, one a data set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganbench.core.column import Column
from ganbench.report.labels import label
from ganbench.report.numbers import count, listing, mean, number, words

if TYPE_CHECKING:
    import pandas as pd


def headline(ranked: pd.DataFrame, runs: pd.DataFrame, lead: Column | None, floor: float, varies: set[str]) -> str:
    """Return the sentence of one data set.

    Args:
        ranked: its rows of the ranking, best first.
        runs: its rows of `runs`.
        lead: the metric that decides the order; None where no run has a value.
        floor: its value for real samples.
        varies: the axes that more than one value of.
    """
    place = f"On {words(str(ranked['dataset'].iloc[0]))}, "
    finished = ranked[ranked["rank"].notna()]
    if lead is None or not len(finished):
        missing = count(int(ranked[["failed", "timeout"]].to_numpy().sum()), "run")
        diverged = int(ranked["diverged"].sum())
        return f"{place}no run has a result: {count(diverged, 'run')} diverged, {missing} failed or ran out of time."
    if lead.name.startswith("modes_") and floor >= 2:
        best = _modes_held(finished, runs, lead.name, round(floor), varies)
    else:
        best = _best_value(finished, lead, floor, varies)
    return place + best + _contrast(finished, lead, floor, varies) + "."


def _modes_held(finished: pd.DataFrame, runs: pd.DataFrame, lead: str, modes: int, varies: set[str]) -> str:
    whole = []
    for _, row in finished.iterrows():
        values = runs.loc[runs["trial"] == row["trial"], lead]
        if values.notna().all() and (values >= modes).all():
            whole.append(label(row, varies).spoken)
    if not whole:
        row = finished.iloc[0]
        return f"{label(row, varies).spoken} kept {mean(row[f'{lead}_mean'])} of {modes} modes on average"
    if len(whole) > 3:
        whole = [whole[0], f"{len(whole) - 1} other trials"]
    return f"{listing(whole)} held all {modes} modes in every seed"


def _best_value(finished: pd.DataFrame, lead: Column, floor: float, varies: set[str]) -> str:
    row = finished.iloc[0]
    real = f" (real samples: {number(floor)})" if floor == floor else ""
    value = number(row[f"{lead.name}_mean"])
    return f"{label(row, varies).spoken} has the best mean {name_of(lead.name)}, {value}{real}"


def _contrast(finished: pd.DataFrame, lead: Column, floor: float, varies: set[str]) -> str:
    """Return what the last of the ranked trials did."""
    row, best = finished.iloc[-1], finished.iloc[0]
    if len(finished) < 2 or row["rank"] == best["rank"]:
        return ""
    name, n, diverged = label(row, varies).spoken, int(row["runs"]), int(row["diverged"])
    if 2 * diverged > n:
        return f"; {name} diverged in " + (f"all {n} seeds" if diverged == n else f"{diverged} of {n} seeds")
    if lead.name.startswith("modes_") and floor >= 2:
        return f"; {name} kept {mean(row[f'{lead.name}_mean'])} of {round(floor)}"
    return f"; {name} the worst, {number(row[f'{lead.name}_mean'])}"


NAMES = {
    "fid": "FID",
    "modes_captured": "modes captured",
    "modes_hit": "modes hit",
    "hq_fraction": "high quality",
    "mode_kl": "mode KL",
    "spread_ratio": "spread ratio",
}


def name_of(column: str) -> str:
    """Return how a reader calls a column."""
    return NAMES.get(column, words(column))
