"""What `Suite.run(on_trial=…)` calls its function with, for each trial that ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ganbench.core.naming import trial_id

if TYPE_CHECKING:
    from ganbench.suite.plan import Plan
    from ganbench.sweep.events import TrialProgress
    from ganbench.sweep.jobs import TrialJob


@dataclass(frozen=True)
class FinishedTrial:
    """What `on_trial` is called with.

    Attributes:
        trial: its identifier, as in the column `trial`. name: in one line.
        status: OK, FAILED or TIMEOUT; a run that diverged is in `numbers`.
        numbers: means over seeds, `diverged` for how many diverged, and `<metric>_floor` for real samples.
        seconds: of its training. error: why it failed.
    """

    trial: str
    name: str
    status: str
    numbers: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    error: str = ""


class OnTrial:
    """Hands trials that have ended to a caller's function."""

    def __init__(self, plan: Plan, call: Callable[[FinishedTrial], object]) -> None:
        self._names = {trial.key: trial.name for trial in plan.trials}
        self._call = call

    def add(self, job: TrialJob) -> None:
        """Take in a trial that was not known when the run began."""
        self._names[job.key] = job.trial.name

    def take(self, report: TrialProgress) -> None:
        """Take in where a trial stands."""
        if report.status is not None:
            name, numbers = self._names[report.key], dict(report.numbers)
            finished = FinishedTrial(
                trial_id(report.key), name, str(report.status), numbers, report.seconds, report.error
            )
            self._call(finished)
