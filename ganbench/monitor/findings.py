"""What is wrong with a loop, as sentences that lead a person to the line; each is said once."""

from __future__ import annotations

import logging

log = logging.getLogger("ganbench.monitor")


class Findings:
    """The sentences so far.

    Attributes:
        said: key → sentence, in the order in which they were said.
    """

    def __init__(self) -> None:
        self.said: dict[str, str] = {}

    def say(self, step: int, key: str, sentence: str) -> None:
        """Log a sentence, unless one with its key was logged before."""
        if key not in self.said:
            self.said[key] = f"step {step}: {sentence}"
            log.warning("%s", self.said[key])

    @property
    def first(self) -> str:
        """Return the first sentence; empty where there is none."""
        return next(iter(self.said.values()), "")
