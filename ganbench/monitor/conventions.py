"""Conventions that a loop and its monitor must share: what logits, losses and samples are, and in which range.

All is looked at in the first steps of a run, with the tensors that `monitor.step` was given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ganbench.core import registry
from ganbench.losses import Loss
from ganbench.monitor.factors import LOOKS, SAME, factor_between
from ganbench.monitor.generator_loss import GeneratorLoss
from ganbench.monitor.penalties import Penalties
from ganbench.monitor.ranges import OUTSIDE, Ranges, ends_of, origin_of, shown

if TYPE_CHECKING:
    from ganbench.monitor.findings import Findings

# Steps in which logits stay in [0, 1], where no sigmoid is seen: those of a young network may for a while.
LASTING = 100
LINEAR = {f"{name}Backward0" for name in ("Add", "Addmm", "Mm", "Baddbmm", "Bmm", "Convolution")}  # ends of a network
LAST_LOOKS = 12  # that a check compares
MOST_LOOKS = 60  # after which a check that is still undecided gives up
FIRST_PUSHES, USUAL = 3, 8.0  # rows, and what the push of a healthy run is
ADDED = 0.1  # relative difference up to which a factor may be a penalty that adds to the loss: nobody halves by a tenth
KEYS = {"sigmoid": "sigmoid", "scale": "the loop's losses are"}  # of sentences, by words of theirs
FAR, EVEN = 30.0, 3.0  # times that a loss is off, and that the largest of such factors is the smallest one
SHORT = 0.05  # relative difference up to which such a factor may be a number of one digit
# Logits at which the half of a loss that is of generated samples is 0, and that of real ones.
NOTHING = {"non_saturating": (-1e4, 1e4), "hinge": (-1e4, 1e4), "least_squares": (0.0, 1.0), "wasserstein": (0.0, 0.0)}
HALVES = {"real": "generated", "generated": "real"}
BY_SIGMOID = ("non_saturating", "minimax")  # losses that take the sigmoid themselves
OTHERS = ("non_saturating", "hinge", "least_squares", "wasserstein")  # losses that a trained one may turn out to be


class Conventions:
    """Compares the conventions of a loop with each other.

    Args:
        loss: that the monitor was told.
        findings: takes the sentences.

    Attributes:
        scale: what the loop's losses are divided by to be those of `loss`: 0.5 where it halves them, 1 where nothing
            else is known.
        pushes: each player's first ones, which later ones are compared with.
        comparable: whether `d_loss` is the declared loss, up to that factor or with terms added.
    """

    def __init__(self, loss: Loss | None, findings: Findings) -> None:
        self.loss, self.scale, self.comparable = loss, 1.0, True
        self._findings = findings
        self._logits: list[tuple[float, float, float, float]] = []
        self._d: list[dict[str, float]] = []
        self._logits_since = 0
        self._looks, self.parts = 0, 1
        self.pushes: dict[str, list[float]] = {}
        self._generator_loss = GeneratorLoss(findings)
        self._ranges, self._penalties = Ranges(findings), Penalties(findings)
        self._undecided = {"logits", "d_loss", "g_loss"}

    @property
    def decided(self) -> bool:
        """Say whether nothing is left to look at."""
        return not self._undecided and self._ranges.decided

    def look(self, step: int, given: Mapping[str, Sequence[Tensor]]) -> None:
        """Look at what a step was given.

        Args:
            step: its number.
            given: arguments of `monitor.step` by name, with their graphs; logits of several discriminators apart.
        """
        if {"real", "fake"} <= given.keys():
            self._ranges.look(step, given["real"][0], given["fake"][0])
        if not {"real_logits", "fake_logits"} <= given.keys():
            return
        answers = given["real_logits"], given["fake_logits"]
        if not all(a.is_floating_point() and a.numel() for side in answers for a in side):
            self._undecided -= {"logits", "d_loss", "g_loss"}
            return
        origins = {origin_of(a) for side in answers for a in side}
        sigmoid = any("Sigmoid" in origin for origin in origins)
        if origins <= LINEAR:
            self._undecided.discard("logits")  # no sigmoid, wherever those of a young network lie
        real, fake = ([a.detach().reshape(1, -1).float() for a in side] for side in answers)
        if self.loss is not None and "d_loss" in given and "d_loss" in self._undecided and len(real) == len(fake):
            self._look_at_d_loss(step, real, fake, float(given["d_loss"][0].detach().mean()), sigmoid)
        if not self.comparable:
            self._undecided.discard("g_loss")  # a sign cannot be told by another loss
        if self.loss is not None and "g_loss" in given and "g_loss" in self._undecided:
            g_loss = float(given["g_loss"][0].detach().mean())
            if self._generator_loss.look(step, self.loss, fake, g_loss, self.scale):
                self._undecided.discard("g_loss")
        if "logits" in self._undecided:
            self._look_at_logits(step, torch.cat(real, 1), torch.cat(fake, 1), sigmoid)

    def rescaled(self, values: Mapping[str, float]) -> dict[str, float]:
        """Return a row of the diagnostics with what depends on the scale of the losses in that of the declared one.

        Without a declared loss a push is that of the first rows, taken as 8 (healthy: 4 to 13), times how it has grown.
        Where the loop trains another loss than the declared one, nothing is compared with its optimum.
        """
        rescaled = dict(values)
        for name in ("grad_push_g", "grad_push_d"):
            if name in rescaled:
                rescaled[name] /= (
                    self.scale if self.loss is not None else self._first_push(name, rescaled[name]) / USUAL
                )
        if not self.comparable:
            return {n: v for n, v in rescaled.items() if n not in ("d_loss_excess", "d_advantage")}
        scale = self.scale * self.parts  # several discriminators' losses are a sum
        if scale != 1.0 and self.loss is not None and {"d_loss", "d_loss_excess"} <= rescaled.keys():
            excess = rescaled["d_loss"] / scale - self.loss.optimum
            if before := abs(rescaled["d_loss_excess"]):
                rescaled["d_advantage"] = rescaled.get("d_advantage", 0.0) * abs(excess) / before
            rescaled["d_loss_excess"] = excess
        return rescaled

    def _first_push(self, name: str, push: float) -> float:
        """Return the median of a player's first pushes other than 0."""
        first = self.pushes.setdefault(name, [])
        if len(first) < FIRST_PUSHES and push > 0:
            first.append(push)
        return sorted(first)[len(first) // 2] if first else USUAL

    def _look_at_logits(self, step: int, real: Tensor, fake: Tensor, sigmoid: bool) -> None:
        ends = (*ends_of(real), *ends_of(fake))
        if any(end < 0 or end > 1 for end in ends):
            self._undecided.discard("logits")
            return
        self._logits.append(ends)
        self._logits_since = self._logits_since or step
        lasting = len(self._logits) >= 2 if sigmoid else step - self._logits_since >= LASTING
        if not lasting or len(self._logits) < 2:
            return
        spread = max(row[1] for row in self._logits) - min(row[2] for row in self._logits)
        bounded = self.loss is not None and self.loss.name in ("least_squares", "wasserstein")  # fits any range
        if sigmoid or (not bounded and spread > OUTSIDE):
            self._undecided.discard("logits")
            r, f = _range([row[:2] for row in self._logits]), _range([row[2:] for row in self._logits])
            if self.loss is not None and self.loss.name == "wasserstein":
                text = "a Wasserstein critic must not end in a sigmoid: remove it"
            else:
                text = "these are probabilities: give what goes into the sigmoid"
            self._findings.say(
                step, "probabilities", f"real_logits lie in {r} and fake_logits in {f}, all between 0 and 1; {text}"
            )

    def _look_at_d_loss(
        self, step: int, real: Sequence[Tensor], fake: Sequence[Tensor], d_loss: float, sigmoid: bool
    ) -> None:
        assert self.loss is not None
        self.parts = len(real)
        names = (self.loss.name, *(name for name in OTHERS if name != self.loss.name))
        row = {"": d_loss}
        for name in names:
            loss = self.loss if name == self.loss.name else _built(name)
            row[name], row[f"{name} swapped"] = (
                sum(float(loss.discriminator(r, f).reshape(())) for r, f in zip(a, b, strict=True))
                for a, b in ((real, fake), (fake, real))
            )
        if names[0] in NOTHING:
            none_fake, none_real = NOTHING[names[0]]
            row["real"] = sum(self._of(r, torch.full_like(r, none_fake)) for r in real)
            row["generated"] = sum(self._of(torch.full_like(f, none_real), f) for f in fake)
        if names[0] in BY_SIGMOID:
            row["sigmoids"] = sum(self._of(r.sigmoid(), f.sigmoid()) for r, f in zip(real, fake, strict=True))
        zeros = sum(self._of(torch.zeros_like(r), torch.zeros_like(f)) for r, f in zip(real, fake, strict=True))
        self._penalties.look(step, d_loss, row[names[0]], zeros)
        self._looks += 1
        self._d = [*self._d[-LAST_LOOKS + 1 :], row]
        if len(self._d) < LOOKS:
            return
        sentence = self._on_d_loss(names, sigmoid)
        if sentence is not None or self._looks >= MOST_LOOKS:
            self._undecided.discard("d_loss")
            if sentence:
                key = next((word for word in ("sigmoid", "scale") if KEYS[word] in sentence), "d_loss")
                self._findings.say(step, key, sentence)

    def _of(self, real: Tensor, fake: Tensor) -> float:
        assert self.loss is not None
        return float(self.loss.discriminator(real, fake).reshape(()))

    def _on_d_loss(self, names: tuple[str, ...], sigmoid: bool) -> str | None:
        """Return a sentence; empty where all is well, None where it is too early to say."""
        declared = names[0]
        given, last = self._d[-1][""], self._d[-1][declared]
        factor, varied = self._factor(declared)
        if factor is not None and abs(factor - 1) < SAME:
            if sigmoid and declared != "wasserstein":
                return (
                    f"d_loss is {declared} of logits that come out of a sigmoid, so that the sigmoid is applied twice; "
                    "remove the one at the end of the discriminator"
                )
            return ""
        values = f"d_loss is {given:.4g}, and {declared} of the logits that were given {last:.4g}"
        if (sentence := self._of_other_logits(declared, values, varied)) is not None:
            self.comparable = False
            return sentence
        if not varied or (factor is not None and abs(factor - 1) < ADDED):
            return None
        if factor is not None and factor < 0:
            self.comparable = False
            return (
                f"{values}: its sign is wrong, so that the discriminator learns to be wrong; it descends what is given "
                "to backward(): remove the minus"
            )
        if factor is not None:
            self.scale = factor
            return (
                f"{values}: the loop's losses are {factor:.4g} times {declared}; gradients and losses are compared "
                "with its own after division by that; give the loss without the factor to see its values"
            )
        for other in names[1:]:
            scale, _ = self._factor(other)
            if scale is not None and scale > 0:
                self.comparable = False
                times = "" if abs(scale - 1) < SAME else f" times {scale:.4g}"
                return f'{values}: it is {other}{times}; give ganbench.Monitor loss="{other}"'
        if (rough := self._rough_scale(declared)) is not None:
            self.scale = rough
            return None
        last_rows = self._d[-LOOKS:]
        if all(row[""] < row[declared] - max(0.5 * abs(row[declared]), 0.05) for row in last_rows):
            self.comparable = False
            if sigmoid or all(0 <= x <= 1 for row in self._logits for x in row) and self._logits:
                return ""  # probabilities: said of the logits
            return (
                f"{values}: penalties only add to it, so one is subtracted, another loss is trained, or the logits are "
                "of other samples; give the loss that is trained, and the logits that go into it"
            )
        return None

    def _rough_scale(self, declared: str) -> float | None:
        """Return how many times larger or smaller losses are, beyond what penalties or flipped labels make of it."""
        ratios = sorted(row[""] / row[declared] for row in self._d if row[declared] > 0)
        if not ratios:
            return None
        larger = all(row[""] > FAR * abs(row[declared]) for row in self._d)
        smaller = len(ratios) == len(self._d) and 0 < FAR * ratios[-1] < 1 and ratios[-1] < EVEN * ratios[0]
        if not (larger or smaller):
            return None
        middle = ratios[len(ratios) // 2]
        short = float(f"{middle:.0e}")  # factors that somebody writes are short numbers
        return short if abs(middle - short) < SHORT * middle else middle

    def _of_other_logits(self, declared: str, values: str, varied: bool) -> str | None:
        """Return a sentence where d_loss is that of exchanged logits, of their sigmoids, or of one half of them."""
        swapped, _ = self._factor(f"{declared} swapped")
        if swapped is not None and abs(swapped - 1) < SAME and varied:
            return (
                f"{values}: it is that of real and fake logits exchanged; the labels of the discriminator's loss are "
                "swapped, or the two arguments of monitor.step"
            )
        squashed, enough = self._factor("sigmoids") if declared in BY_SIGMOID else (None, False)
        if squashed is not None and abs(squashed - 1) < SAME and enough:
            return (
                f"{values}: it is that of the logits' sigmoids, so that the sigmoid is applied twice; hand the logits "
                "themselves to the loss"
            )
        for half, other in HALVES.items() if declared in NOTHING else ():
            alone, enough = self._factor(half)
            if alone is not None and abs(alone - 1) < SAME and enough:
                return (
                    f"{values}: it is that of {half} samples alone; add the half of {other} ones, so that the "
                    "discriminator has something to tell apart"
                )
        return None

    def _factor(self, name: str) -> tuple[float | None, bool]:
        """Return the factor between d_loss and a loss, None where there is none, and whether the loss varied enough."""
        return factor_between([(row[""], row[name]) for row in self._d])


def _range(rows: list[tuple[float, float]]) -> str:
    return shown(min(low for low, _ in rows), max(high for _, high in rows))


@cache
def _built(name: str) -> Loss:
    return registry.build(Loss, name)
