"""What a run tells those who follow it: the display, the progress file, the trackers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from ganbench.core.status import Status
from ganbench.sweep.jobs import TrialJob


@dataclass(frozen=True)
class TrialProgress:
    """Where a trial stands.

    Attributes:
        status: None while it trains, then OK, FAILED or TIMEOUT (a diverged seed is in `numbers`, not here).
        share: of the steps done, in [0, 1]. numbers: current means over seeds; of a finished trial also what real
            samples get, `<metric>_floor`. seconds: since its worker began with it. error: why it failed.
        score: for a search, larger or smaller is better as its mode says. at_step: when the score was measured.
    """

    key: str
    status: Status | None = None
    share: float = 0.0
    numbers: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    error: str = ""
    score: float | None = None
    at_step: int | None = None


class Listener(Protocol):
    """Follows a run beside its display; it is called in the process that started the run."""

    def add(self, job: TrialJob) -> None:
        """Take in a trial that was not known when the run began."""
        ...

    def take(self, report: TrialProgress) -> None:
        """Take in where a trial stands."""
        ...
