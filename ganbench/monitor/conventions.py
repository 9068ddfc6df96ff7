"""Conventions that a loop and its monitor must share: what logits, losses and samples are, and in which range.

All is looked at in the first steps of a run, with the tensors that `monitor.step` was given.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ganbench.core import registry
from ganbench.losses import Loss

if TYPE_CHECKING:
    from ganbench.monitor.findings import Findings

LOOKS = 5  # with all that a check needs, before it says something
MOST_LOOKS = 12  # after which a check that is still undecided gives up
SAME = 2e-3  # relative difference of a loss and what it is computed anew: half precision rounds to 1e-3
VARIED = 0.01  # relative change of a loss over the looks, below which a factor and another loss cannot be told apart
OTHERS = ("non_saturating", "hinge", "least_squares", "wasserstein")  # losses that a trained one may turn out to be
ENDS = {"TanhBackward0": (-1.0, 1.0), "SigmoidBackward0": (0.0, 1.0)}  # grad_fn of samples → their range
OUTSIDE = 0.05  # of a range's width, beyond which real samples are not in it


class Conventions:
    """Compares the conventions of a loop with each other.

    Args:
        loss: that the monitor was told.
        findings: takes the sentences.

    Attributes:
        scale: what the loop's losses are divided by to be those of `loss`: 0.5 where it halves them, 1 where nothing
            else is known.
        comparable: whether `d_loss` is the declared loss, up to that factor or with terms added.
    """

    def __init__(self, loss: Loss | None, findings: Findings) -> None:
        self.loss, self.scale, self.comparable = loss, 1.0, True
        self._findings = findings
        self._logits: list[tuple[float, float, float, float]] = []
        self._d: list[dict[str, float]] = []
        self._g: list[tuple[float, float, float]] = []
        self._real: list[tuple[float, float]] = []
        self._fake_range: tuple[float, float] | None = None
        self._undecided = {"logits", "d_loss", "g_loss", "range"}

    @property
    def decided(self) -> bool:
        """Say whether nothing is left to look at."""
        return not self._undecided

    def look(self, step: int, given: Mapping[str, Tensor], generator: nn.Module, discriminator: nn.Module) -> None:
        """Look at what a step was given, with its graph where it has one.

        Args:
            step: its number.
            given: arguments of `monitor.step` by name.
            generator, discriminator: whose last layer says a range as well.
        """
        if {"real", "fake"} <= given.keys() and "range" in self._undecided:
            self._look_at_ranges(step, given["real"], given["fake"], generator)
        if not {"real_logits", "fake_logits"} <= given.keys():
            return
        real, fake = (given[name] for name in ("real_logits", "fake_logits"))
        if not (real.is_floating_point() and fake.is_floating_point() and real.numel() and fake.numel()):
            self._undecided -= {"logits", "d_loss", "g_loss"}
            return
        sigmoid = _ends_in(discriminator, nn.Sigmoid) or any("Sigmoid" in _origin(t) for t in (real, fake))
        flat = [t.detach().reshape(1, -1).float() for t in (real, fake)]
        if self.loss is not None and "d_loss" in given and "d_loss" in self._undecided:
            self._look_at_d_loss(step, flat[0], flat[1], float(given["d_loss"].detach()), sigmoid)
        if self.loss is not None and "g_loss" in given and "g_loss" in self._undecided:
            self._look_at_g_loss(step, flat[1], float(given["g_loss"].detach()))
        if "logits" in self._undecided:
            self._look_at_logits(step, flat[0], flat[1], sigmoid)

    def _look_at_logits(self, step: int, real: Tensor, fake: Tensor, sigmoid: bool) -> None:
        lowest, highest = float(torch.minimum(real.min(), fake.min())), float(torch.maximum(real.max(), fake.max()))
        if lowest < 0 or highest > 1:
            self._undecided.discard("logits")
            return
        self._logits.append((float(real.min()), float(real.max()), float(fake.min()), float(fake.max())))
        if len(self._logits) < (2 if sigmoid else LOOKS) or "sigmoid" in self._findings.said:
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

    def _look_at_d_loss(self, step: int, real: Tensor, fake: Tensor, d_loss: float, sigmoid: bool) -> None:
        assert self.loss is not None
        names = (self.loss.name, *(name for name in OTHERS if name != self.loss.name))
        row = {"": d_loss}
        for name in names:
            loss = self.loss if name == self.loss.name else _built(name)
            row[name], row[f"{name} swapped"] = (
                float(loss.discriminator(a, b).reshape(())) for a, b in ((real, fake), (fake, real))
            )
        self._d.append(row)
        if len(self._d) < LOOKS:
            return
        sentence = self._on_d_loss(names, sigmoid)
        if sentence is not None or len(self._d) >= MOST_LOOKS:
            self._undecided.discard("d_loss")
            if sentence:
                self._findings.say(step, "sigmoid" if "sigmoid" in sentence else "d_loss", sentence)

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
        swapped, _ = self._factor(f"{declared} swapped")
        if swapped is not None and abs(swapped - 1) < SAME and varied:
            self.comparable = False
            return (
                f"{values}: it is that of real and fake logits exchanged; the labels of the discriminator's loss are "
                "swapped, or the two arguments of monitor.step"
            )
        if not varied:
            return None
        if factor is not None:
            self.scale = factor
            return (
                f"{values}: the loop's losses are {factor:.4g} times {declared}; gradients and losses are compared with "
                "its own after division by that; give the loss without the factor to see its values"
            )
        for other in names[1:]:
            scale, _ = self._factor(other)
            if scale is not None and scale > 0:
                self.comparable = False
                times = "" if abs(scale - 1) < SAME else f" times {scale:.4g}"
                return f'{values}: it is {other}{times}; give ganbench.Monitor loss="{other}"'
        if all(row[""] < row[declared] - max(0.5 * abs(row[declared]), 0.05) for row in self._d):
            self.comparable = False
            if sigmoid or all(0 <= x <= 1 for row in self._logits for x in row) and self._logits:
                return ""  # probabilities: said of the logits
            return (
                f"{values}: penalties only add to it, so another loss is trained, or the logits are of other samples; "
                "give the loss that is trained, and the logits that go into it"
            )
        if all(row[""] > 30 * abs(row[declared]) for row in self._d):
            ratios = sorted(row[""] / row[declared] for row in self._d if row[declared] > 0)
            self.scale = ratios[len(ratios) // 2] if ratios else 1.0
        return None

    def _factor(self, name: str) -> tuple[float | None, bool]:
        """Return the factor between d_loss and a loss, None where there is none, and whether the loss varied enough."""
        values = [(row[""], row[name]) for row in self._d]
        if any(abs(own) < 1e-6 for _, own in values):
            return None, True
        ratios = [given / own for given, own in values]
        middle = sorted(ratios)[len(ratios) // 2]
        own = [abs(own) for _, own in values]
        varied = max(own) - min(own) > VARIED * max(own)
        return (middle if all(abs(r - middle) <= SAME * abs(middle) for r in ratios) else None), varied

    def _look_at_g_loss(self, step: int, fake: Tensor, g_loss: float) -> None:
        assert self.loss is not None
        if self.loss.requires_real:
            self._undecided.discard("g_loss")
            return
        right, wrong = (float(self.loss.generator(f).reshape(())) for f in (fake, -fake))
        if abs(right - wrong) > 0.5 * max(abs(right), abs(wrong), 0.1):  # else the two cannot be told apart
            self._g.append((g_loss / self.scale, right, wrong))
        if len(self._g) < LOOKS:
            return
        self._undecided.discard("g_loss")
        if all(abs(g - wrong) < 0.3 * abs(g - right) for g, right, wrong in self._g):
            g, right, wrong = self._g[-1]
            self._findings.say(
                step,
                "g_loss",
                f"g_loss is {g:.4g}, and {self.loss.name} of the fake logits {right:.4g}, of their negatives {wrong:.4g}: "
                "the generator's loss has the wrong sign or label, and it learns to be found out",
            )

    def _look_at_ranges(self, step: int, real: Tensor, fake: Tensor, generator: nn.Module) -> None:
        if real.dim() < 3 or not real.is_floating_point() or not fake.is_floating_point() or not real.numel():
            # Bytes are as far from a generator's range as 0 … 255 is.
            if real.dim() < 3 or real.is_complex() or not fake.is_floating_point() or not real.numel():
                self._undecided.discard("range")
                return
        self._real.append((float(real.detach().min()), float(real.detach().max())))
        self._fake_range = self._fake_range or ENDS.get(_origin(fake)) or _module_range(generator)
        if len(self._real) < LOOKS:
            return
        self._undecided.discard("range")
        lowest, highest = min(low for low, _ in self._real), max(high for _, high in self._real)
        known = self._fake_range
        low, high = known or (float(fake.detach().min()), float(fake.detach().max()))
        width = high - low
        beyond = lowest < low - OUTSIDE * width or highest > high + OUTSIDE * width
        half = known == (-1.0, 1.0) and lowest >= 0 and highest > OUTSIDE
        huge = highest > 100 and high < 20 and lowest >= 0
        if (known and (beyond or half)) or huge:
            own = "ends in" if known else "answers in"
            text = f"real samples lie in {_shown(lowest, highest)}, and the generator {own} {_shown(low, high)}"
            to = f"({_inverse(lowest, highest, low, high)})" if lowest >= 0 else "or end the generator without it"
            self._findings.say(step, "range", f"{text}: bring both to one range {to}, for training and for metrics")


def _inverse(lowest: float, highest: float, low: float, high: float) -> str:
    top = 255 if highest > 2 else 1
    return f"real / {top / 2:g} - 1" if low < 0 and high <= 1 else f"real / {top:g}"


def _shown(low: float, high: float) -> str:
    return f"[{low:.3g}, {high:.3g}]"


def _range(rows: list[tuple[float, float]]) -> str:
    return _shown(min(low for low, _ in rows), max(high for _, high in rows))


def _origin(tensor: Tensor) -> str:
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


def _last(module: nn.Module) -> nn.Module | None:
    """Return the last layer of a network that is a plain sequence, behind those that only give another shape."""
    while isinstance(module, nn.Sequential) and len(module):
        layers = [m for m in module if not isinstance(m, nn.Flatten | nn.Unflatten | nn.Identity)]
        if not layers:
            return None
        module = layers[-1]
    return module


def _ends_in(module: nn.Module, kind: type[nn.Module]) -> bool:
    return isinstance(_last(module), kind)


def _module_range(module: nn.Module) -> tuple[float, float] | None:
    last = _last(module)
    return (-1.0, 1.0) if isinstance(last, nn.Tanh) else (0.0, 1.0) if isinstance(last, nn.Sigmoid) else None


@cache
def _built(name: str) -> Loss:
    return registry.build(Loss, name)
