"""Where a run stands while it runs, in one small file that `ganbench watch` reads: `results/<suite>/progress.json`."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from annotated_types import Interval
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from ganbench.core.environment import now
from ganbench.core.files import replaced
from ganbench.core.results_files import BrokenFileError, Json, json_bytes, read_json
from ganbench.sweep.events import TrialProgress
from ganbench.sweep.jobs import TrialJob

FILE = "progress.json"
FORMAT = 1
AT_LEAST = 1.0  # seconds between two writings
SHARE = 0.01  # of the driver's time that writing may take
MOST_POINTS = 48
SERIES = ("grad_norm_g", "grad_norm_d", "modes_captured")

Key = Annotated[str, StringConstraints(pattern="^[0-9a-f]{12,64}$")]


class TrialState(BaseModel):
    """Where a trial stands, as `ProgressFile` writes it."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    key: Key
    name: str = ""
    state: str = "waiting"
    share: Annotated[float, Interval(ge=0, le=1)] = 0.0
    error: str = ""
    numbers: dict[str, float] = {}
    series: dict[str, list[float]] = {}


class SweepState(BaseModel):
    """Where a sweep stands.

    Attributes:
        running: whether more is to come. updated: its last sign of life, ISO 8601. trials: all of them.
        problem: why the file tells nothing, in words; empty where it does.
    """

    model_config = ConfigDict(frozen=True)

    running: bool = False
    updated: str = ""
    trials: list[TrialState] = []
    problem: str = ""

    @classmethod
    def read(cls, folder: Path) -> SweepState | None:
        """Return what the file in `results/<suite>` tells; None without one."""
        try:
            return cls.model_validate(read_json(folder / FILE), strict=True)
        except FileNotFoundError:
            return None
        except (OSError, BrokenFileError) as error:
            return cls(problem=f"{FILE} cannot be read: {getattr(error, 'strerror', None) or error}")
        except ValidationError as error:
            first = error.errors()[0]
            return cls(problem=f"{FILE} cannot be read: {'.'.join(map(str, first['loc']))}: {first['msg'].lower()}")


class ProgressFile:
    """Takes in reports and writes where all trials stand, whole, at most once a second.

    Where the file cannot be written the run goes on without it.

    Args:
        folder: `results/<suite>`. run: the plan's identifier. jobs: all trials. missing: those to be trained now.
    """

    def __init__(self, folder: Path, run: str, jobs: Sequence[TrialJob], missing: Sequence[TrialJob]) -> None:
        self._path, self._run, self._next = folder / FILE, run, 0.0
        self._started = now()
        waiting = {job.key for job in missing}
        self._trials: dict[str, Json] = {}
        for job in jobs:
            self.add(job, "waiting" if job.key in waiting else "done")
        self.write(running=True)

    def add(self, job: TrialJob, state: str = "waiting") -> None:
        """Take in a trial."""
        self._trials[job.key] = {
            "key": job.key,
            "name": job.trial.name,
            "seeds": len(job.trial.lanes),
            "steps": job.trial.steps,
            "state": state,
        }

    def take(self, report: TrialProgress) -> None:
        """Take in where a trial stands."""
        trial = self._trials.get(report.key)
        if trial is None:
            return
        trial["state"] = "running" if report.status is None else str(report.status)
        trial |= {"share": report.share, "seconds": round(report.seconds, 1), "error": report.error}
        if report.numbers:
            finite = {name: value for name, value in report.numbers.items() if abs(value) < float("inf")}
            trial["numbers"] = finite
            _extend(trial.setdefault("series", {}), finite)
        if time.monotonic() >= self._next:
            self.write(running=True)

    def write(self, *, running: bool) -> None:
        """Write the file."""
        began = time.monotonic()
        state = {
            "format": FORMAT,
            "run": self._run,
            "running": running,
            "started": self._started,
            "updated": now(),
            "trials": list(self._trials.values()),
        }
        with contextlib.suppress(OSError), replaced(self._path, durable=False) as file:
            file.write(json_bytes(state))
        ended = time.monotonic()
        self._next = ended + max(AT_LEAST, (ended - began) / SHARE)


def _extend(series: dict[str, list[float]], numbers: Mapping[str, float]) -> None:
    """Add the current numbers; of a long series every second point goes."""
    for name in SERIES:
        if name in numbers:
            points = series.setdefault(name, [])
            points.append(float(f"{numbers[name]:.4g}"))
            if len(points) > MOST_POINTS:
                del points[1::2]
