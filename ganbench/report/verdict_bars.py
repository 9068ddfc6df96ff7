"""Verdicts as a reader sees them: a stacked bar a trial, and what was found with its evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganbench.analysis.verdicts import Evidence
from ganbench.report.numbers import listing

if TYPE_CHECKING:
    import pandas as pd

# A colour a family: fourteen colours nobody could tell apart; the words beside the bar say which it was.
FAMILIES = {
    "healthy": ("healthy",),
    "collapse": ("partial collapse", "total collapse", "mode hopping"),
    "game": ("oscillation", "no signal", "discriminator overfit"),
    "gradient": ("vanishing gradient", "exploding gradient"),
    "broken": ("diverged", "failed"),
    "open": ("under-trained", "low quality", "unclear"),
}
FAMILY = {verdict: family for family, verdicts in FAMILIES.items() for verdict in verdicts}
WIDTH = 120
MOST_SAID = 3


@dataclass(frozen=True)
class Segment:
    """A verdict's share of a bar, in its units."""

    family: str
    x: float
    width: float


@dataclass(frozen=True)
class Bar:
    """A trial's verdicts; `said` has how often each was found, most often first."""

    segments: list[Segment]
    said: list[tuple[str, str, int]]
    text: str
    healthy: float


@dataclass(frozen=True)
class Finding:
    """A verdict of some of a trial's runs, and the evidence in the first of them.

    Attributes:
        family, verdict, cause: what it is called. runs: how many. seeds: which.
        evidence: the sentence. remedy: what to try. details: every condition, for the curves.
    """

    family: str
    verdict: str
    cause: str
    runs: int
    seeds: str
    evidence: str
    remedy: str
    details: Sequence[Evidence]


def bar(found: pd.DataFrame) -> Bar:
    """Return the bar of a trial from its rows of `verdicts`: healthy first, then family by family."""
    counts = Counter(found["verdict"])
    total, at, segments = max(len(found), 1), 0.0, []
    for verdict in _in_order(counts):
        width = WIDTH * counts[verdict] / total
        segments.append(Segment(FAMILY.get(verdict, "open"), round(at, 2), round(width, 2)))
        at += width
    said = [(FAMILY.get(v, "open"), v, n) for v, n in counts.most_common()]
    text = listing([f"{n} of {total} {v}" for _, v, n in said])
    return Bar(segments, said, text, counts["healthy"] / total)


def findings(found: pd.DataFrame) -> list[Finding]:
    """Return what was found in a trial, most often first."""
    told = []
    for verdict, _ in Counter(found["verdict"]).most_common():
        own = found[found["verdict"] == verdict]
        first = own.iloc[0]
        cause = "" if isinstance(first["cause"], float) or not first["cause"] else str(first["cause"])
        told.append(
            Finding(
                FAMILY.get(verdict, "open"),
                verdict,
                cause,
                len(own),
                ", ".join(map(str, own["seed"])),
                str(first["evidence"]),
                str(first["remedy"]),
                tuple(first["details"]),
            )
        )
    return told


def legend(found: pd.DataFrame) -> list[tuple[str, str]]:
    """Return family → the verdicts of it that are there, for the key."""
    there = set(found["verdict"])
    return [(f, listing(own)) for f, verdicts in FAMILIES.items() if (own := [v for v in verdicts if v in there])]


def _in_order(counts: Counter[str]) -> Iterator[str]:
    known = [v for verdicts in FAMILIES.values() for v in verdicts]
    yield from (v for v in known if counts[v])
    yield from sorted(v for v in counts if v not in FAMILY)
