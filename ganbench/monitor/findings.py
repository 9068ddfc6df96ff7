"""What is wrong with a loop, as sentences that lead a person to the line; each is said once."""

from __future__ import annotations

import logging

log = logging.getLogger("ganbench.monitor")


class Findings:
    """The sentences so far.

    Attributes:
        sentences: key → sentence, in the order of the steps at which they were found.
    """

    def __init__(self) -> None:
        self.sentences: dict[str, str] = {}

    def say(self, step: int, key: str, sentence: str) -> None:
        """Log a sentence, unless one with its key was logged before."""
        if key not in self.sentences:
            self.sentences[key] = f"step {step}: {sentence}"
            log.warning("%s", self.sentences[key])

    @property
    def first(self) -> str:
        """Return the first sentence; empty where there is none."""
        return next(iter(self.sentences.values()), "")
