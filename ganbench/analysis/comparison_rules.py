"""How much of a change matters, and how much has to be ruled out: limits for each metric."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from ganbench.core.errors import UsageError, unknown

ALPHA = 0.01
ANY = "*"
_TEXT = re.compile(r"(?P<metric>[^=]+)=(?P<number>[^%]+)(?P<percent>%?)")


@dataclass(frozen=True)
class Limit:
    """A difference in a metric's own unit: the larger of an absolute one and a share of |mean of the baseline|.

    A baseline of 0 leaves the absolute part alone; a negative one counts by its size.
    """

    absolute: float = 0.0
    relative: float = 0.0

    def at(self, baseline: float) -> float:
        """Return max(absolute, relative · |baseline|)."""
        return max(self.absolute, self.relative * abs(baseline))


@dataclass(frozen=True)
class Rules:
    """What decides a comparison.

    Attributes:
        alpha: chance of at least one false "worse" in the whole comparison (and of a false "better"; and, for each
            metric, of a false "equivalent" where a margin is given), in (0, 0.5].
        tolerances: by metric, or by `*` for all others: a difference up to it is never "worse" or "better".
        margins: likewise: what is not shown to lose less than this does not pass.
        metrics: judge these alone; empty for every metric with a direction.
        seeds: by metric, or by `*`: with fewer runs on either side it is underpowered, whatever the test says.
        worst: by metric: the worst that a run counts as. It gives a metric without a worst value (FID) the range that
            a margin needs.
    """

    alpha: float = ALPHA
    tolerances: Mapping[str, Limit] = field(default_factory=dict)
    margins: Mapping[str, Limit] = field(default_factory=dict)
    metrics: tuple[str, ...] = ()
    seeds: Mapping[str, Limit] = field(default_factory=dict)
    worst: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 < self.alpha <= 0.5:
            raise UsageError(f"alpha {self.alpha}: an error rate lies above 0 and at most at 0.5; 0.01 is usual")

    def tolerance(self, metric: str) -> Limit:
        """Return a metric's tolerance; none by default."""
        return _limit(self.tolerances, metric) or Limit()

    def margin(self, metric: str) -> Limit | None:
        """Return a metric's margin, or None where nothing has to be shown."""
        return _limit(self.margins, metric)

    def least(self, metric: str) -> int:
        """Return how many runs a side has to have."""
        limit = _limit(self.seeds, metric)
        return math.ceil(limit.absolute) if limit else 0

    def judges(self, metric: str) -> bool:
        """Return whether a metric is judged."""
        return not self.metrics or any(fnmatchcase(metric, pattern) for pattern in self.metrics)

    def check(self, known: Collection[str]) -> None:
        """Refuse rules for metrics that nobody has, above all misspelt ones.

        Raises:
            UsageError: with the nearest name.
        """
        for name in (*self.tolerances, *self.margins, *self.metrics, *self.seeds, *self.worst):
            if not any(fnmatchcase(metric, name) for metric in known):
                raise UsageError(unknown("metric", name[:60], known))


def read_limits(texts: Iterable[str]) -> dict[str, Limit]:
    """Return the limits that texts such as `modes_captured=0.5`, `fid=10%` or `*=5%` name; both kinds may be given.

    Raises:
        UsageError: no such text, or a number that is negative or not finite.
    """
    limits: dict[str, Limit] = {}
    for text in texts:
        match = _TEXT.fullmatch(text.strip())
        number = _number(match["number"]) if match else math.nan
        if match is None or not (math.isfinite(number) and number >= 0):
            raise UsageError(f"{text[:60]!r}: not METRIC=NUMBER; write modes_captured=0.5, fid=10% or *=5%")
        name = match["metric"].strip()
        old = limits.get(name, Limit())
        limits[name] = Limit(old.absolute, number / 100) if match["percent"] else Limit(number, old.relative)
    return limits


def read_numbers(texts: Iterable[str]) -> dict[str, float]:
    """Return the numbers that texts such as `fid=50` or `log_likelihood=-20` name.

    Raises:
        UsageError: no such text, or a number that is not finite.
    """
    numbers: dict[str, float] = {}
    for text in texts:
        name, _, number = text.partition("=")
        numbers[name.strip()] = _number(number)
        if not (name.strip() and math.isfinite(numbers[name.strip()])):
            raise UsageError(f"{text[:60]!r}: not METRIC=NUMBER; write fid=50")
    return numbers


def _limit(limits: Mapping[str, Limit], metric: str) -> Limit | None:
    return limits.get(metric, limits.get(ANY))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
