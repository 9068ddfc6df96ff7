"""Whether what a loop adds to the discriminator's loss, such as a gradient penalty, is descended at all."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ganbench.monitor.findings import Findings

FIRST = 5  # looks, whose median is what a penalty is at first
LOOKS, STEPS = 12, 24  # in a row, and steps, that it must last for
MUCH = 10.0  # times what a penalty was at first, or 1


class Penalties:
    """Compares d_loss with what a discriminator would have that says nothing.

    One that answers 0 everywhere has the loss of zeros, and about the penalty of the first steps. Whoever descends the
    sum of both does not stay far above that: then the penalty has no gradient.

    Args:
        findings: takes the sentence.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._first: list[float] = []
        self._since, self._looks = 0, 0

    def look(self, step: int, d_loss: float, declared: float, of_zeros: float) -> None:
        """Look at a step.

        Args:
            step: its number.
            d_loss: what the discriminator descended.
            declared: the declared loss of the logits.
            of_zeros: the declared loss of logits that are 0.
        """
        if len(self._first) < FIRST:
            self._first.append(abs(d_loss - declared))
            return
        if not d_loss > of_zeros + MUCH * max(1.0, median(self._first)):
            self._since, self._looks = step, 0
            return
        self._looks += 1
        if self._looks >= LOOKS and step - self._since >= STEPS:
            self._findings.say(
                step,
                "penalty",
                f"d_loss is {d_loss:.3g}, of which the logits make {declared:.3g}: what is added to it grows instead "
                "of falling, so it has no gradient; a penalty wants create_graph=True in autograd.grad, and D's logits "
                "of samples that are not under no_grad",
            )
