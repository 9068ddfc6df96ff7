"""How a run ended, with what a reader can do about it."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """How a run ended. DIVERGED is a result and stays in every denominator; FAILED and TIMEOUT are missing results."""

    OK = "OK"
    DIVERGED = "DIVERGED"
    FAILED = "FAILED"
    TIMEOUT = "TIMEOUT"

    @property
    def remedy(self) -> str:
        """What to do about a run that ended so."""
        return _REMEDIES[self]


_REMEDIES = {
    Status.OK: "nothing to fix",
    Status.DIVERGED: "a number is not finite or a million times the data's: lower the learning rates or add a penalty",
    Status.FAILED: "the trial raised an error: read the column `error`, fix it and run the suite again",
    Status.TIMEOUT: "the trial took longer than `resources.timeout`: raise it or lower `steps`, then run again",
}
