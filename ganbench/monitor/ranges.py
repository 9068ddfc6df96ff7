"""In which range real and generated samples lie, and whether it is the same one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from ganbench.monitor.findings import Findings

LOOKS, MORE_LOOKS = 5, 12  # before it says something; before it says that samples are cut
ENDS = {"TanhBackward0": (-1.0, 1.0), "SigmoidBackward0": (0.0, 1.0)}  # grad_fn of samples → their range
OUTSIDE = 0.05  # of a range's width, beyond which real samples are not in it
NARROW = 0.05  # of the generator's range, that real samples fill at least
SHORT = 0.25  # of the range of real samples, that generated ones never reach


class Ranges:
    """Compares the ranges of real and generated samples in the first steps of a run.

    Args:
        findings: takes the sentence.

    Attributes:
        decided: whether nothing is left to look at.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings, self.decided = findings, False
        self._real: list[tuple[float, float]] = []
        self._fake: list[tuple[float, float]] = []
        self._fake_range: tuple[float, float] | None = None

    def look(self, step: int, real: Tensor, fake: Tensor) -> None:
        """Look at the minibatches `[B, *shape]` of a step, with their graphs."""
        if self.decided:
            return
        if real.dim() < 3 or real.is_complex() or not fake.is_floating_point() or not real.numel():
            self.decided = True
            return
        self._real.append(ends_of(real))
        self._fake.append(ends_of(fake))
        self._fake_range = self._fake_range or ENDS.get(origin_of(fake))
        if len(self._real) == LOOKS:
            self._compare(step)
        elif len(self._real) == MORE_LOOKS:
            self.decided = True
            self._look_at_cut(step)

    def _compare(self, step: int) -> None:
        lowest, highest = min(low for low, _ in self._real), max(high for _, high in self._real)
        known = self._fake_range
        self.decided = known is not None  # where the generator ends in no function of a known range, it may be cut
        low, high = known or self._fake[-1]
        width = high - low
        beyond = lowest < low - OUTSIDE * width or highest > high + OUTSIDE * width
        half = known == (-1.0, 1.0) and lowest >= 0 and highest > OUTSIDE
        huge = highest > 100 and high < 20 and lowest >= 0
        if (known and (beyond or half)) or huge:
            verb = "ends in" if known else "answers in"
            text = f"real samples lie in {shown(lowest, highest)}, and the generator {verb} {shown(low, high)}"
            to = f"({_inverse(lowest, highest, low, high)})" if lowest >= 0 else "or end the generator without it"
            self._findings.say(step, "range", f"{text}: bring both to one range {to}, for training and for metrics")
        elif known and highest - lowest < NARROW * width:
            self._findings.say(
                step,
                "range",
                f"real samples lie in {shown(lowest, highest)}, and the generator ends in {shown(low, high)}: they "
                f"fill {(highest - lowest) / width:.1%} of it; they may be divided twice (ToTensor divides by 255)",
            )

    def _look_at_cut(self, step: int) -> None:
        """Say where generated samples end at one and the same number at each look, far inside of the real ones."""
        lowest, highest = min(low for low, _ in self._real), max(high for _, high in self._real)
        lows, highs = {low for low, _ in self._fake}, {high for _, high in self._fake}
        short = SHORT * (highest - lowest)
        below, above = min(lows) - lowest > short, highest - max(highs) > short
        if (below and len(lows) == 1 < len(highs)) or (above and len(highs) == 1 < len(lows)):
            self._findings.say(
                step,
                "range",
                f"real samples lie in {shown(lowest, highest)}, and generated ones in {shown(min(lows), max(highs))}, "
                "which end at the same number at each step: a clamp or a ReLU at the end of the generator cuts them, "
                "and no gradient comes through; end it in tanh, or clamp what is shown alone",
            )


def _inverse(lowest: float, highest: float, low: float, high: float) -> str:
    top = 1 if highest <= 2 else 255 if highest <= 256 else 65_535
    return f"real / {top / 2:g} - 1" if low < 0 and high <= 1 else f"real / {top:g}"


def shown(low: float, high: float) -> str:
    """Return a range in words."""
    return f"[{low:.3g}, {high:.3g}]"


def origin_of(tensor: Tensor) -> str:
    """Return the operation that made a tensor, behind those that only give it another shape."""
    node = tensor.grad_fn
    for _ in range(8):
        if node is None:
            return ""
        name = node.name()
        if not any(word in name for word in ("View", "Reshape", "Squeeze", "Unsqueeze", "Clone", "ToCopy", "Alias")):
            return name
        node = node.next_functions[0][0] if node.next_functions else None
    return ""


def ends_of(values: Tensor) -> tuple[float, float]:
    """Return the least and the greatest number, read from the device at once."""
    values = values.detach() if values.is_floating_point() else values.float()  # torch compares no unsigned integers
    low, high = torch.stack(values.detach().aminmax()).tolist()
    return low, high
