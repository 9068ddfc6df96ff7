"""Verdicts as a reader sees them: a stacked bar per trial, and each verdict with its evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganbench.analysis.statistics import wilson
from ganbench.analysis.verdicts import Evidence
from ganbench.report.marks import FAMILIES, FAMILY, family_of
from ganbench.report.wording import listing

if TYPE_CHECKING:
    import pandas as pd

WIDTH = 120
MOST_NAMED = 8  # of the seeds or settings of a verdict


@dataclass(frozen=True)
class Segment:
    """A verdict's share of a bar, in its units."""

    family: str
    x: float
    width: float


@dataclass(frozen=True)
class Bar:
    """A trial's verdicts; `names` has family, verdict and how many runs, most frequent first."""

    segments: list[Segment]
    names: list[tuple[str, str, int]]
    text: str
    healthy: float


@dataclass(frozen=True)
class Finding:
    """A verdict of some of a trial's runs, and the evidence in the first of them.

    Attributes:
        family, verdict, cause: what it is called. runs: how many, which: in words; share: its 95 % interval (Wilson).
        evidence: the sentence. remedy: what to try. details: every condition, for the curves.
    """

    family: str
    verdict: str
    cause: str
    runs: int
    share: str
    which: str
    evidence: str
    remedy: str
    details: Sequence[Evidence]


def bar(verdicts: pd.DataFrame) -> Bar:
    """Return the bar of a trial from its rows of `verdicts`: healthy first, then family by family."""
    counts = Counter(verdicts["verdict"])
    total, at, segments = max(len(verdicts), 1), 0.0, []
    for verdict in _in_order(counts):
        width = WIDTH * counts[verdict] / total
        segments.append(Segment(family_of(verdict), round(at, 2), round(width, 2)))
        at += width
    names = [(family_of(v), v, n) for v, n in counts.most_common()]
    text = listing([f"{n} of {total} {v}" for _, v, n in names])
    return Bar(segments, names, text, counts["healthy"] / total)


def findings(verdicts: pd.DataFrame, runs: pd.DataFrame) -> list[Finding]:
    """Return the verdicts of a trial from its rows of `verdicts` and of `runs`, most frequent first."""
    return [
        _finding(verdict, verdicts.loc[verdicts["verdict"] == verdict], runs)
        for verdict, _ in Counter(verdicts["verdict"]).most_common()
    ]


def _finding(verdict: str, rows: pd.DataFrame, runs: pd.DataFrame) -> Finding:
    first = rows.iloc[0]
    cause = "" if isinstance(first["cause"], float) or not first["cause"] else str(first["cause"])
    interval = wilson(len(rows), len(runs))
    return Finding(
        family_of(verdict),
        verdict,
        cause,
        len(rows),
        f"{100 * interval.low:.0f} to {100 * interval.high:.0f} %",
        which(runs.loc[runs["run"].isin(rows["run"])], runs),
        str(first["evidence"]),
        str(first["remedy"]),
        tuple(first["details"]),
    )


def which(chosen: pd.DataFrame, runs: pd.DataFrame) -> str:
    """Return which of a trial's `runs` are `chosen`, in words: by setting where it has several, else by seed."""
    several = "setting" in runs.columns and len(set(runs["setting"])) > 1
    name = "setting" if several else "seed"
    values = [str(int(value)) for value in sorted(set(chosen[name]))]
    more = len(values) - MOST_NAMED
    listed = [*values[:MOST_NAMED], f"{more} more"] if more > 1 else values
    return f"{name}{'s' if len(values) > 1 else ''} {listing(listed)}"


def legend(verdicts: pd.DataFrame) -> list[tuple[str, list[str]]]:
    """Return family → those of its verdicts that occur, for the key."""
    occurring = set(verdicts["verdict"])
    by_family = {family: [v for v in names if v in occurring] for family, names in FAMILIES.items()}
    return [(family, names) for family, names in by_family.items() if names]


def _in_order(counts: Counter[str]) -> Iterator[str]:
    known = [v for verdicts in FAMILIES.values() for v in verdicts]
    yield from (v for v in known if counts[v])
    yield from sorted(v for v in counts if v not in FAMILY)
