"""The answer in a sentence that a person would say, one per data set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ganbench.core.column import Column
from ganbench.report.dataset_results import DatasetResults, Ranked
from ganbench.report.wording import Naming, all_of, count, label, listing, mean, name_of, number

if TYPE_CHECKING:
    import pandas as pd


def headline(data: DatasetResults) -> str:
    """Return the sentence of one data set."""
    ranked, lead, floor, named = data.ranked, data.lead, data.floor, data.named
    place = f"On {data.name}, "
    finished = [row for row in ranked if row["rank"] is not None]
    if lead is None or not finished:
        missing, diverged = sum(r["failed"] + r["timeout"] for r in ranked), sum(r["diverged"] for r in ranked)
        ends = [f"{count(diverged, 'run')} diverged"] if diverged else []
        ends += [f"{count(missing, 'run')} failed or ran out of time"] if missing else []
        return f"{place}no run has a result{': ' if ends else ''}{', '.join(ends)}."
    modes = round(floor) if lead.name.startswith("modes_") and floor >= 2 else 0
    if modes and finished[0][f"{lead.name}_mean"] == 0:
        return place + _none_held(finished, data.keys, modes, named) + "."
    if modes:
        best = _modes_held(finished, data.runs, lead.name, modes, named)
    else:
        best = _best_value(finished, lead, floor, named)
    return place + best + _contrast(finished, lead, modes, named) + "."


def _none_held(finished: Ranked, keys: Sequence[Column], modes: int, named: Naming) -> str:
    text = f"no trial captured any of the {modes} modes"
    if len(keys) < 2 or len(finished) < 2:
        return text
    row, last = finished[0], keys[-1]
    return f"{text}; {label(row, named).spoken} came closest, with {name_of(last)} {number(row[f'{last.name}_mean'])}"


def _modes_held(finished: Ranked, runs: pd.DataFrame, lead: str, modes: int, named: Naming) -> str:
    # A missing value holds nothing.
    lost = {trial for trial, held in zip(runs["trial"], runs[lead].to_numpy(float) >= modes, strict=True) if not held}
    whole = [label(row, named).spoken for row in finished if row["trial"] not in lost]
    if not whole:
        row = finished[0]
        return f"{label(row, named).spoken} kept {mean(row[f'{lead}_mean'])} of {modes} modes on average"
    if len(whole) > 3:
        whole = [whole[0], f"{len(whole) - 1} other trials"]
    single = max(row["runs"] for row in finished) == 1  # "every seed" would claim more than one run shows
    return f"{listing(whole)} held {all_of(modes, 'modes')} in {'the one run' if single else 'every seed'}"


def _best_value(finished: Ranked, lead: Column, floor: float, named: Naming) -> str:
    row = finished[0]
    real = f" (real samples: {number(floor)})" if floor == floor else ""
    value = number(row[f"{lead.name}_mean"])
    return f"{label(row, named).spoken} has the best mean {name_of(lead)}, {value}{real}"


def _contrast(finished: Ranked, lead: Column, modes: int, named: Naming) -> str:
    """Return what the last of the ranked trials did."""
    row, best = finished[-1], finished[0]
    if len(finished) < 2 or row["rank"] == best["rank"]:
        return ""
    name, n, diverged = label(row, named).spoken, row["runs"], row["diverged"]
    if 2 * diverged > n:
        return f"; {name} diverged in " + (all_of(n, "seeds") if diverged == n else f"{diverged} of {n} seeds")
    if row[f"{lead.name}_mean"] == best[f"{lead.name}_mean"]:
        return ""
    if modes:
        return f"; {name} kept {mean(row[f'{lead.name}_mean'])} of {modes}"
    return f"; {name} the worst, {number(row[f'{lead.name}_mean'])}"
