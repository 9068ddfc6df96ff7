"""What the user sees of a run under way: a bar and the latest results on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TextIO

from ganbench.core.environment import can_draw
from ganbench.core.status import Status
from ganbench.suite.estimate import duration, trial_seconds
from ganbench.sweep.events import Listener, TrialProgress
from ganbench.sweep.jobs import TrialJob

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID


REFRESH_SECONDS = 0.25
PLAIN_SECONDS = 30.0  # between two lines on how far a run is, where there is no bar
KEY_NUMBERS = {"modes_captured": "modes", "fid": "fid"}


class Progress:
    """Shows trials as they come in; whatever goes wrong with the display, the run goes on.

    Args:
        names: what to call each trial, by key.
        stream: where to write, by default stderr, so that what a run prints at its end can be piped.
        trials: how many there will be, where names are still to come (`expect`).
        quiet: show nothing; listeners are told all the same.
        estimate: seconds that all of it may take, for the time left while nothing has been trained yet.
        work: what each trial is expected to cost, by key, in any unit; without it all cost the same.
        later: what a trial is expected to cost whose name is still to come.
    """

    def __init__(
        self,
        names: Mapping[str, str],
        stream: TextIO | None = None,
        trials: int = 0,
        quiet: bool = False,
        estimate: float | None = None,
        work: Mapping[str, float] | None = None,
        later: float = 1.0,
    ) -> None:
        self.names = dict(names)
        self._work, self._later, self._done = dict(work or {}), later, 0.0
        self.trials = trials or len(names)
        self.stream = sys.stderr if stream is None else stream
        self.retries: Counter[str] = Counter()
        self.finished = 0
        self.listeners: list[Listener] = []
        self._running: dict[str, float] = {}
        self._silent = quiet
        self._estimate = estimate
        self._first: tuple[float, float] | None = None  # when the first report came, and the share that was done then
        self._shown_at = time.monotonic()
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        if not _plain(self.stream):
            self._safely(self._start_bar)

    def update(self, report: TrialProgress) -> None:
        """Take in where a trial stands; a finished one gets its line."""
        if report.status is None:
            self._running[report.key] = report.share
        else:
            self._running.pop(report.key, None)
            self._done += self._cost(report.key)
            self.finished += 1
            self.say(line(report, self.finished, self.trials, self.names[report.key]))
        self._first = self._first or (time.monotonic(), self.share)
        for listener in self.listeners:
            listener.take(report)
        self.tick()

    def expect(self, job: TrialJob, name: Callable[[TrialJob], str]) -> None:
        """Take in a trial; one that was not known before is called what `name` returns."""
        if job.key not in self.names:
            self.names[job.key] = name(job)
            self._work[job.key] = trial_seconds(job.trial)
            for listener in self.listeners:
                listener.add(job)

    def retried(self, key: str) -> None:
        """Take in that a trial's worker died and the trial begins again."""
        self.retries[key] += 1
        self._running.pop(key, None)
        self.say(f"retry {self.retries[key]}  {self.names[key]}  its worker died (killed or out of memory)")

    def tick(self) -> None:
        """Redraw the bar where it is time to."""
        waited = time.monotonic() - self._shown_at
        if self._bar is not None and waited >= REFRESH_SECONDS:
            self._safely(self._draw)
        elif self._bar is None and waited >= PLAIN_SECONDS and self.finished < self.trials:
            self._shown_at = time.monotonic()
            self.say(f"{self.share:.0%} done{self._left(', about {} left')}")

    @property
    def share(self) -> float:
        """Return the share of the work that is done; trials that came out of an earlier call do not count."""
        known = sum(map(self._cost, self.names))
        running = sum(self._cost(key) * share for key, share in self._running.items())
        whole = known + max(0, self.trials - len(self.names)) * self._later
        return min(1.0, (self._done + running) / whole) if whole > 0 else 0.0

    def _cost(self, key: str) -> float:
        return self._work.get(key, 1.0)

    def _left(self, text: str) -> str:
        """Return the text with how long it still takes; empty where nobody knows.

        That is told by the pace since the first report: the start of Ray is no training. Until then the estimate holds.
        """
        since, first = self._first or (0.0, self.share)
        gained, left = self.share - first, 1 - self.share
        seconds = (time.monotonic() - since) * left / gained if gained > 0 else (self._estimate or 0.0) * left
        return text.format(duration(seconds)) if seconds > 0 else ""

    def say(self, text: str) -> None:
        """Write one line, above the bar where there is one."""
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        text = "".join(c if c.isprintable() else " " for c in text).encode(encoding, "replace").decode(encoding)
        self._safely(lambda: self._say(text))

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._bar is not None:
            self._safely(self._draw)
            self._safely(self._bar.stop)
            self._bar = None

    def _say(self, text: str) -> None:
        if self._bar is None:
            print(text, file=self.stream, flush=True)
        else:
            self._bar.console.print(text, markup=False, highlight=False, overflow="ellipsis", no_wrap=True)

    def _start_bar(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichBar

        # No refresh thread: a stream that closes would raise there, where nobody can catch it.
        self._bar = RichBar(
            TextColumn("{task.fields[done]}/{task.fields[trials]} trials"),
            BarColumn(),
            TimeElapsedColumn(),
            TextColumn("ETA {task.fields[left]}"),
            console=Console(file=self.stream),
            auto_refresh=False,
            transient=True,
        )
        self._task = self._bar.add_task("", total=float(self.trials), done=0, trials=self.trials, left=self._left("{}"))
        self._bar.start()

    def _draw(self) -> None:
        if self._bar is not None and self._task is not None:
            done, left = self.share * self.trials, self._left("{}")
            self._bar.update(self._task, completed=done, done=self.finished, total=float(self.trials), left=left)
            self._bar.refresh()
            self._shown_at = time.monotonic()

    def _safely(self, action: Callable[[], object]) -> None:
        if self._silent:
            return
        try:
            action()
        except (OSError, ValueError):  # nobody listens any more, or the stream is closed
            self._silent = True
            self._bar = None


def line(report: TrialProgress, done: int, total: int, name: str) -> str:
    """Return `[ 3/40] OK  hinge · r1  modes 7.8 (real 8)  fid 0.012 (real 0.004)  6.9 s`."""
    numbers = [_beside_real(report.numbers, column, label) for column, label in KEY_NUMBERS.items()]
    numbers = [text for text in numbers if text]
    if report.numbers.get("diverged"):
        numbers.append(f"{report.numbers['diverged']:.0f} seeds diverged")
    width = len(str(total))
    status = report.status or Status.OK
    return "  ".join(
        [f"[{done:{width}}/{total}] {status:<7}", name, *numbers, f"{report.seconds:.1f} s", *_error(report)]
    )


def _beside_real(numbers: Mapping[str, float], column: str, label: str) -> str:
    """Return a number with what real samples get, where that is known."""
    value, floor = (numbers.get(name, math.nan) for name in (column, f"{column}_floor"))
    if not math.isfinite(value):
        return ""
    return f"{label} {value:.3g}" + (f" (real {floor:.3g})" if math.isfinite(floor) else "")


def _error(report: TrialProgress) -> list[str]:
    return [report.error] if report.error else []


def _plain(stream: TextIO) -> bool:
    return stream.closed or not can_draw(stream) or bool(os.environ.get("NO_COLOR"))
