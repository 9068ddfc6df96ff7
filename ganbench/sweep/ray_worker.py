"""What trains in Ray's processes: one trial after the other."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from typing import Any

from ray import tune

from ganbench.sweep.attempt import Attempt, Work
from ganbench.tables.files import StoreError


class TrialActor(tune.Trainable):
    """Trains one trial after the other in one process, so that torch is imported once."""

    def setup(self, config: dict[str, Any], works: Sequence[Work] = ()) -> None:
        """Make this process ready for its first trial."""
        import torch

        torch.set_num_threads(works[0].threads)
        self.works = works
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next trial."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        self.work = self.works[new_config["index"]]
        self.attempt: Attempt | None = None
        return True

    def step(self) -> dict[str, Any]:
        """Train a stretch and report."""
        if self.attempt is None:
            self.attempt = Attempt(self.work)
            if self.work.deadline is not None:
                # Nobody handles SIGALRM here: the kernel ends a process that hangs, whatever it hangs in.
                signal.setitimer(signal.ITIMER_REAL, self.work.deadline)
        try:
            report = self.attempt.advance()
        except StoreError as error:
            return {"problem": (error.errno, error.strerror), "done": True}
        if report.status is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
        return {"report": report, "done": report.status is not None}
