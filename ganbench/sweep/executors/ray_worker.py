"""What trains in Ray's processes: one trial after the other."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from typing import Any

from ray import tune

from ganbench.core.files import StoreError
from ganbench.sweep.search_log import Adaptive
from ganbench.sweep.trial_runner import TrialJob, TrialRunner

SCORE, STEP = "score", "at_step"

Source = Sequence[TrialJob] | Adaptive


def job_of(source: Source, config: Mapping[str, Any]) -> TrialJob:
    """Return what Tune's configuration stands for: a place in a list, or what a searcher suggests."""
    return source.work(config) if isinstance(source, Adaptive) else source[config["index"]]


def template(source: Source) -> TrialJob:
    """Return a work with the terms that all share."""
    return source.template if isinstance(source, Adaptive) else source[0]


class TrialActor(tune.Trainable):
    """Trains one trial after the other in one process, so that torch is imported once."""

    def setup(self, config: dict[str, Any], source: Source = ()) -> None:
        """Make this process ready for its first trial."""
        import torch

        self.source = source
        torch.set_num_threads(template(source).threads)
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next trial."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        self.job = job_of(self.source, new_config)
        self.runner: TrialRunner | None = None
        return True

    def step(self) -> dict[str, Any]:
        """Train a stretch and report."""
        if self.runner is None:
            self.runner = TrialRunner(self.job)
            if self.job.deadline is not None:
                # Nobody handles SIGALRM here: the kernel ends a process that hangs, whatever it hangs in.
                signal.setitimer(signal.ITIMER_REAL, self.job.deadline)
        try:
            report = self.runner.advance()
        except StoreError as error:
            return {"problem": (error.errno, error.strerror), "done": True}
        if report.status is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
        # A searcher wants a number that is one; the step says since when it holds.
        known = {} if report.score is None else {SCORE: report.score}
        known |= {} if report.at_step is None else {STEP: report.at_step}
        return {"report": report, "done": report.status is not None, **known}
