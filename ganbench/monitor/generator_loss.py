"""Whether the generator's loss is the declared one, or that of the logits' negatives: a wrong sign or label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from ganbench.losses import Loss
from ganbench.monitor.factors import LOOKS, factor_between

if TYPE_CHECKING:
    from ganbench.monitor.findings import Findings


class GeneratorLoss:
    """Compares `g_loss` with the declared loss of the fake logits and of their negatives.

    Args:
        findings: takes the sentence.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._rows: list[tuple[float, float, float]] = []  # given, of the logits, of their negatives

    def look(self, step: int, loss: Loss, fake: Sequence[Tensor], g_loss: float, scale: float) -> bool:
        """Look at a step; return whether nothing is left to look at.

        Args:
            step: its number.
            loss: that was declared.
            fake: logits of each discriminator.
            g_loss: what was given.
            scale: what the loop's losses are divided by to be those of `loss`.
        """
        if loss.requires_real:
            return True
        right, wrong = (sum(float(loss.generator(sign * f).reshape(())) for f in fake) for sign in (1, -1))
        if abs(right - wrong) > 0.5 * max(abs(right), abs(wrong), 0.1):  # else the two cannot be told apart
            self._rows.append((g_loss, right, wrong))
        if len(self._rows) < LOOKS:
            return False
        if self._is_wrong(scale):
            given, right, wrong = self._rows[-1]
            self._findings.say(
                step,
                "g_loss",
                f"g_loss is {given:.4g}, and {loss.name} of the fake logits {right:.4g}, of their negatives "
                f"{wrong:.4g}: the generator's loss has the wrong sign or label, and it learns to be found out",
            )
        return True

    def _is_wrong(self, scale: float) -> bool:
        """Say whether the loss is that of negatives, or has a minus before it, or is near one of these two."""
        for other, is_wrong in ((1, False), (2, True)):
            weight, varied = factor_between([(row[0], row[other]) for row in self._rows])
            if weight is not None and varied and (weight > 0 or other == 1):
                return is_wrong or weight < 0
        return all(_is_near_a_wrong_one(given / scale, right, wrong) for given, right, wrong in self._rows)


def _is_near_a_wrong_one(given: float, right: float, wrong: float) -> bool:
    """Say whether a loss is near that of negatives, or near minus a loss that is positive, as added terms are.

    Near is measured by its own size as well: a small weight brings any loss near any small number.
    """
    wrong_ones = (wrong, -right) if right > 0 else (wrong,)
    return any(abs(given - one) < 0.3 * min(abs(given - right), abs(one)) for one in wrong_ones)
