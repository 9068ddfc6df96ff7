"""A comparison as people read it: names without what all trials share, and a reason that many rows have once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ganbench.analysis.comparison_results import Comparison
from ganbench.analysis.comparison_rows import Row
from ganbench.check.differences import OTHER_SETTINGS, TRIALS, Difference
from ganbench.check.verdict import cells, visible
from ganbench.core.naming import SEPARATOR, without_common_parts

FEW = 3  # so many rows with one reason keep it


@dataclass(frozen=True)
class Shown:
    """What is printed of a comparison, as a table or as Markdown.

    Attributes:
        differs: what differs between the sides; trials with other settings as one line.
        common: the axes that all trials share, which their names lack; empty where there is nothing to leave out.
        rows, cells: the rows with their texts, in the order of `verdict.HEADERS`.
        reasons: a reason that many rows have, with its outcome and their number; they do not repeat it.
    """

    differs: list[Difference]
    common: str
    rows: list[Row]
    cells: list[list[str]]
    reasons: list[str]


def shown(comparison: Comparison, differs: Sequence[Difference], everything: bool = False) -> Shown:
    """Return what is printed of a comparison; see `verdict.visible` for `everything`."""
    rows = visible(comparison, everything)
    trials = [one.name for one in differs if one.kind == TRIALS]
    names = without_common_parts(dict.fromkeys((*(row.name for row in comparison.rows), *comparison.new, *trials)))
    common = _common(names)
    counts = Counter((row.outcome, row.reason) for row in rows)
    folded = {key for key, count in counts.items() if count > FEW and key[1]}
    table = []
    for row in rows:
        outcome, _, *middle, why = cells(row)
        table.append([outcome, names[row.name], *middle, "" if (row.outcome, row.reason) in folded else why])
    reasons = [f"{counts[outcome, why]} {outcome}: {why}" for outcome, why in counts if (outcome, why) in folded]
    return Shown(_grouped(differs, names), common, rows, table, reasons)


def _common(names: Mapping[str, str]) -> str:
    """Return the parts that the short names lack."""
    if all(name == short for name, short in names.items()):
        return ""
    columns = zip(*(name.split(SEPARATOR) for name in names), strict=True)
    return SEPARATOR.join(column[0] for column in columns if len(set(column)) == 1)


def _grouped(differs: Sequence[Difference], names: Mapping[str, str]) -> list[Difference]:
    """Return the differences with short names; many trials of the same names and other settings are one."""
    settings = [one for one in differs if one.kind == TRIALS and one.now == OTHER_SETTINGS]
    grouped, counted = [], False
    for one in differs:
        if len(settings) > FEW and one in settings:
            if not counted:
                grouped.append(Difference(TRIALS, f"{len(settings)} of them", OTHER_SETTINGS, OTHER_SETTINGS))
            counted = True
        elif one.kind == TRIALS:
            grouped.append(Difference(TRIALS, names[one.name], one.baseline, one.now))
        else:
            grouped.append(one)
    return grouped
