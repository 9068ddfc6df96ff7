"""Trains the trials in this process, one after the other: for debuggers, tests and systems without Ray."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ganbench.core.status import Status
from ganbench.sweep.events import TrialProgress
from ganbench.sweep.job_source import JobSource
from ganbench.sweep.jobs import device_here
from ganbench.sweep.progress import Progress
from ganbench.sweep.signals import Interrupts
from ganbench.sweep.trial_runner import StopTraining, TrialRunner, timeout_text


class _Overdue(StopTraining):
    """A trial hangs."""


def train(source: JobSource, progress: Progress, interrupts: Interrupts) -> None:
    """Train every trial in turn.

    A trial whose time is over ends after its current step. One that hangs inside a step is ended by a timer, in the
    main thread and where the system has timers; elsewhere (on Windows) it hangs until it is interrupted.

    Raises:
        UsageError: a GPU is asked for, and torch can use none here.
        StoreError: the results folder cannot be written.
    """
    import torch

    device_here(source.template.device)
    threads = torch.get_num_threads()
    try:
        while (config := source.next()) is not None:
            job = source.job(config)
            progress.expect(job, source.name)
            torch.set_num_threads(job.threads)
            _train(TrialRunner(job, lambda: interrupts.code is not None), progress)
            progress.trials -= source.end(job.key)
            interrupts.check()
    finally:
        torch.set_num_threads(threads)


def _train(runner: TrialRunner, progress: Progress) -> None:
    report = TrialProgress(runner.job.key)
    try:
        with _timer(runner.job.deadline):
            while report.status is None:
                progress.update(report)
                report = runner.advance()
    except _Overdue:
        report = runner.fail(Status.TIMEOUT, timeout_text(runner.job.timeout))
    progress.update(report)


@contextmanager
def _timer(seconds: float | None) -> Iterator[None]:
    """Raise `_Overdue` in the body after so long, in the main thread of a system that has timers."""
    main = threading.current_thread() is threading.main_thread()
    if seconds is None or not main or not hasattr(signal, "setitimer"):
        yield
        return

    def overdue(number: int, frame: FrameType | None) -> None:
        raise _Overdue

    before = signal.signal(signal.SIGALRM, overdue)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
