"""Trains the trials in this process, one after the other: for tests and debuggers."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from ganbench.core.status import Status
from ganbench.sweep.progress import Progress
from ganbench.sweep.trial_runner import TrialJob, TrialProgress, TrialRunner, timeout_text


class _Overdue(BaseException):
    """A trial hangs; not an `Exception`, so that the trial does not catch it itself."""


def train(works: Sequence[TrialJob], progress: Progress) -> None:
    """Train every trial in turn.

    Raises:
        StoreError: the results folder cannot be written.
    """
    import torch

    threads = torch.get_num_threads()
    try:
        for work in works:
            torch.set_num_threads(work.threads)
            _train(TrialRunner(work), progress)
    finally:
        torch.set_num_threads(threads)


def _train(runner: TrialRunner, progress: Progress) -> None:
    report = TrialProgress(runner.job.key)
    try:
        with _alarm(runner.job.deadline):
            while report.status is None:
                progress.update(report)
                report = runner.advance()
    except _Overdue:
        report = runner.fail(Status.TIMEOUT, timeout_text(runner.job.timeout))
    progress.update(report)


@contextmanager
def _alarm(seconds: float | None) -> Iterator[None]:
    """Raise `_Overdue` in the body after so long; only the main thread can be told so."""
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        raise _Overdue

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
