"""What is wrong with a loop, as sentences that lead a person to the line; each is said once."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping

log = logging.getLogger("ganbench.monitor")

HARMLESS = {"scale", "terms"}  # keys of what hides nothing: losses with a factor, terms that cannot be weighed


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

    def restore(self, said: Mapping[str, str], end: int) -> None:
        """Go on with what was said of a run up to a step; it is not said again."""
        self.sentences = {key: sentence for key, sentence in said.items() if _step_of(sentence) <= end}

    @property
    def first(self) -> str:
        """Return the first sentence of what is to be fixed; empty where there is none."""
        return next((sentence for key, sentence in self.sentences.items() if key not in HARMLESS), "")


def _step_of(sentence: str) -> int:
    """Return the step that a sentence begins with."""
    number = re.match(r"step (\d+):", sentence)
    return int(number[1]) if number else 0
