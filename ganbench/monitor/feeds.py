"""Whether what a loop is fed ever changes, and whether it is drawn at random: minibatches and latents.

For the first 24 steps and in short windows later, 256 numbers of a few samples are compared with those of the steps
before; no sample is kept beyond that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ganbench.monitor.windows import EARLY, LENGTH, WINDOWS

if TYPE_CHECKING:
    from ganbench.monitor.findings import Findings

FEW, MANY, NUMBERS = 16, 64, 256  # samples that are compared, that a mean is taken of, and numbers of each
ALIKE = 0.9  # correlation of generated samples of two steps whose latents are the same; independent ones: ±0.1
AGAIN = 6  # steps whose latents were there before, not just now
EQUAL = 1e-5  # of the largest number, within which samples are the same but for rounding
FEWEST = 8  # samples of a minibatch, and minibatches, that its draw is judged by
# The variance of the means of minibatches is that of one sample by their size where samples are drawn at random. That
# the ratio of the two reaches 5 in 8 minibatches of one number has probability 1e-5, of pictures far less.
SPREAD = 5.0


class Feeds:
    """Compares real and generated minibatches with those of other steps.

    Args:
        findings: takes the sentences.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._early: list[dict[str, Tensor]] = []
        self._before: dict[str, Tensor] = {}
        self._held = _nothing()  # what held at the window's steps; read at its end, which waits once
        self._again = 0
        self._means: list[Tensor] = []
        self._variances: list[Tensor] = []

    def step(self, step: int, given: Mapping[str, Sequence[Tensor]]) -> None:
        """Look at a step, where it is one of those that are looked at.

        Args:
            step: its number.
            given: arguments of `monitor.step` by name.
        """
        window = next((start for start in WINDOWS if start <= step < start + LENGTH), None)
        if window is None and step > EARLY:
            self._before, self._early = {}, []
            return
        sketches = {name: sketch for name in ("real", "fake") if (sketch := sketch_of(given.get(name))) is not None}
        if window is not None:
            self._compare_with_last(step, sketches, first=step == window, last=step == window + LENGTH - 1)
        if step <= EARLY:
            self._compare_with_all(step, sketches)
        if "real" in sketches and (window is not None or step % 6 == 0):
            self._take_mean(step, sketches["real"])
        self._before = {name: sketch[:FEW] for name, sketch in sketches.items()}

    def _compare_with_last(self, step: int, sketches: Mapping[str, Tensor], first: bool, last: bool) -> None:
        if first:
            self._held = _nothing()
        for name, sketch in sketches.items():
            now, before = sketch[:FEW], self._before.get(name)
            if not first and before is not None and before.shape == now.shape:
                same = (before == now).all() if name == "real" else _correlation(before, now) > ALIKE
                self._held[name].append(same)
            if name == "fake" and len(now) >= LENGTH:
                self._held["alike"].append((now - now[0]).abs().amax() <= EQUAL * now.abs().amax())
        if not last:
            return
        rows = {name: sum(map(bool, held)) for name, held in self._held.items()}
        if rows["real"] == LENGTH - 1:
            self._findings.say(
                step,
                "same minibatch",
                f"real is the same minibatch at {LENGTH} steps in a row: the loop does not go on in its data "
                "(next(iter(loader)) inside the loop, a seed that is set in it, or one batch kept)",
            )
        elif rows["alike"] == LENGTH:
            self._findings.say(
                step,
                "same latents",
                f"all generated samples of a minibatch are the same one at {LENGTH} steps in a row: the latents are "
                "zeros, or one is expanded for all; draw one for each sample (torch.randn(batch, …))",
            )
        elif rows["fake"] == LENGTH - 1:
            self._findings.say(
                step,
                "same latents",
                f"generated samples are those of the step before at {LENGTH} steps in a row: the generator gets the "
                "same latents again; draw them inside the loop",
            )

    def _compare_with_all(self, step: int, sketches: Mapping[str, Tensor]) -> None:
        """Count the steps whose latents are those of an earlier one; what real samples bring along does not count."""
        now = {name: sketch[:FEW] for name, sketch in sketches.items()}
        if "fake" in now:
            self._again += any(_is_again(now, before) for before in self._early[:-1])
        self._early.append(now)
        if self._again == AGAIN:
            self._findings.say(
                step,
                "same latents",
                f"at {AGAIN} of {step} steps the generated samples are those of an earlier step: the generator gets "
                "a few latents again and again; draw new ones at each step",
            )

    def _take_mean(self, step: int, real: Tensor) -> None:
        """Take in a real minibatch; say where they differ by more than chance."""
        if len(real) < FEWEST or (self._means and self._means[0].shape != real.shape[1:]):
            self._means, self._variances = [], []
            return
        self._means.append(real.mean(0))
        self._variances.append(real.var(0).sum() / len(real))
        if len(self._means) < FEWEST:
            return
        between = float(torch.stack(self._means).var(0).sum())
        within = float(torch.stack(self._variances).mean())
        if within > 0 and between >= SPREAD * within:
            self._findings.say(
                step,
                "not shuffled",
                f"real minibatches differ from each other {between / within:.0f} times as much as those of samples "
                "drawn at random: the loader does not shuffle (shuffle=True), or fills a minibatch from one class",
            )


def _nothing() -> dict[str, list[Tensor]]:
    return {"real": [], "fake": [], "alike": []}


def sketch_of(given: Sequence[Tensor] | None) -> Tensor | None:
    """Return at most 64 samples as at most 256 numbers each, evenly from all of theirs; None of fewer than two."""
    samples = next(iter(given or ()), None)
    if samples is None or samples.dim() < 2 or len(samples) < 2 or samples.is_complex() or not samples[0].numel():
        return None
    flat = samples[:MANY].detach().flatten(1)
    return flat[:, :: math.ceil(flat.shape[1] / NUMBERS)].float().clone()


def _is_again(now: Mapping[str, Tensor], before: Mapping[str, Tensor]) -> bool:
    if "fake" not in before or before["fake"].shape != now["fake"].shape:
        return False
    real, earlier = now.get("real"), before.get("real")
    if real is not None and earlier is not None and torch.equal(real, earlier):
        return False
    return bool(_correlation(before["fake"], now["fake"]) > ALIKE)


def _correlation(before: Tensor, now: Tensor) -> Tensor:
    """Return the correlation of two sketches; NaN where one of them is constant."""
    a, b = (x - x.mean(0) for x in (before, now))
    return (a * b).sum() / (a.norm() * b.norm())
