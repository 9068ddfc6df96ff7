"""What optimisers are set to, and what they make of the gradients: rates, weight decay, clipping, weights left out."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from torch.optim import Optimizer

from ganbench.analysis.verdict_rules import THRESHOLDS

if TYPE_CHECKING:
    from ganbench.monitor.findings import Findings

NAMES = {"d": "discriminator", "g": "generator"}
ROWS = 8  # in a row that must show the same
FIRST_ROWS = 3  # that tell whether a rate is too large
STILL = 1e-7  # ‖Δw‖ / ‖w‖ of an update: the last bit of float32
HARDLY = THRESHOLDS["frozen"].value  # likewise: a hundredth of the usual 1e-3
LASTING, SHARE = 100, 0.25  # steps, and share of all so far, that it must last for: many schedules end at 0
LEAPS = 0.5  # ‖Δw‖ / ‖w‖ of one of the first updates; usual: 1e-3, small weights under Adam: 0.05
FELL = 1e-2  # of a rate, below which it has decayed
TINY = 1e-6  # a rate
CUT = 1e-2  # of a gradient, below which clipping leaves next to nothing
OUTWEIGHS = 3.0  # times that weight decay pulls harder than the gradient
SHRINKS = 0.01  # of a weight, that decoupled decay takes away at each step


@dataclass
class Group:
    """What one group of an optimiser's weights is set to, as far as it says so."""

    rate: float
    decay: float
    decoupled: bool
    betas: tuple[float, ...]


@dataclass
class Settings:
    """What the optimisers of a player are set to at a logged step, and what they made of its gradient.

    Attributes:
        groups: those that hold its weights.
        reached, given: norms of the gradient when the backward pass had ended, and when the optimiser was called.
        weights: their norm.
        left_out: names of weights that have a gradient and that no optimiser has moved.
    """

    groups: list[Group] = field(default_factory=list[Group])
    reached: float = math.nan
    given: float = math.nan
    weights: float = math.nan
    left_out: list[str] = field(default_factory=list[str])


def groups_of(optimizer: Optimizer, held: Collection[int]) -> list[Group]:
    """Return the settings of the groups that hold one of some weights, by their ids."""
    groups: list[Group] = []
    for group in optimizer.param_groups:
        if any(id(p) in held for p in group["params"]):
            rate, decay, betas = (group.get(name) for name in ("lr", "weight_decay", "betas"))
            decoupled = type(optimizer).__name__ == "AdamW" or bool(group.get("decoupled_weight_decay"))
            two = tuple(map(float, betas)) if isinstance(betas, tuple | list) else ()
            groups.append(Group(math.nan if rate is None else float(rate), float(decay or 0.0), decoupled, two))
    return groups


class Rates:
    """Looks at each row for settings that stop a player, or throw it about.

    Args:
        findings: takes the sentences.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._since: dict[tuple[str, str], tuple[int, int]] = {}  # player and what holds → since which step, rows
        self._highest: dict[str, float] = {}
        self._first: dict[str, list[float]] = {"d": [], "g": []}

    def look(self, step: int, values: Mapping[str, float], settings: Mapping[str, Settings]) -> None:
        """Look at a row, column → number, and at the settings of each player that was caught in it."""
        for player, known in settings.items():
            ratio = values.get(f"update_ratio_{player}", math.nan)
            rate = max((group.rate for group in known.groups), default=math.nan)
            self._highest[player] = max(self._highest.get(player, rate), rate)
            self._look_at_betas(step, player, known)
            self._look_at_leaps(step, player, ratio, rate)
            self._look_at_rest(step, player, ratio, rate, known)
            self._look_at_decay(step, player, values, known)
            self._look_at_left_out(step, player, known)

    def _lasts(self, step: int, player: str, what: str, holds: bool, steps: float = 0.0) -> bool:
        """Return whether something has held at 8 rows in a row, and for some steps."""
        if not holds:
            self._since.pop((player, what), None)
            return False
        since, rows = self._since.get((player, what), (step, 0))
        self._since[player, what] = since, rows + 1
        return rows + 1 >= ROWS and step - since >= steps

    def _look_at_betas(self, step: int, player: str, known: Settings) -> None:
        for betas in (group.betas for group in known.groups):
            if len(betas) > 1 and betas[1] < betas[0]:
                self._findings.say(
                    step,
                    f"betas {player}",
                    f"the {NAMES[player]}'s optimiser has betas={betas}, the second below the first: they are "
                    f"exchanged; give betas={betas[::-1]}",
                )

    def _look_at_leaps(self, step: int, player: str, ratio: float, rate: float) -> None:
        first = self._first[player]
        if len(first) == FIRST_ROWS or not math.isfinite(ratio):
            return
        first.append(ratio)
        if len(first) == FIRST_ROWS and max(first) > LEAPS:
            self._findings.say(
                step,
                f"leaps {player}",
                f"an update moves the {NAMES[player]}'s weights by {max(first):.2g} of themselves, usual is 0.001: its "
                f"learning rate{f' of {rate:.3g}' if rate == rate else ''} is too large",
            )

    def _look_at_rest(self, step: int, player: str, ratio: float, rate: float, known: Settings) -> None:
        """Say where a player moves by nothing, or hardly and for a reason that is known."""
        lasting = max(LASTING, SHARE * step)
        hardly = self._lasts(step, player, "hardly", ratio < HARDLY, lasting)
        still = self._lasts(step, player, "still", ratio < STILL, SHARE * step)
        highest, why = self._highest[player], ""
        if rate < FELL * highest:
            why = (
                f"its learning rate is {rate:.1e} and was {highest:.1e}; a schedule that counts epochs may be stepped "
                "at each minibatch"
            )
        elif rate < TINY:
            why = f"its learning rate is {rate:.1e}; raise it, or shorten its warm-up"
        elif known.given < CUT * known.reached:
            why = (
                f"its gradient is clipped from {known.reached:.2g} to {known.given:.2g} before the optimiser is "
                "called; raise the limit"
            )
        if still or (hardly and why):
            self._findings.say(
                step,
                f"still {player}",
                f"the {NAMES[player]} stands still: an update moves its weights by {ratio:.1e} of themselves; "
                f"{why or 'no gradient reaches it, or its loss is too small for the optimiser (eps)'}",
            )

    def _look_at_decay(self, step: int, player: str, values: Mapping[str, float], known: Settings) -> None:
        gradient = values.get(f"grad_norm_{player}", math.nan)
        pulls = max((g.decay for g in known.groups if not g.decoupled), default=0.0) * known.weights
        shrinks = max((g.decay * g.rate for g in known.groups if g.decoupled), default=0.0)
        if self._lasts(step, player, "decay", pulls > OUTWEIGHS * gradient or shrinks > SHRINKS):
            decay = max(g.decay for g in known.groups)
            how = (
                f"takes {100 * shrinks:.2g} % of each weight at each step"
                if shrinks > SHRINKS
                else f"pulls {pulls / gradient:.0f} times harder than the loss's gradient"
            )
            self._findings.say(
                step,
                f"decay {player}",
                f"the {NAMES[player]}'s weight_decay={decay:g} {how}, and its weights go to 0: lower it, GANs use 0 or "
                "a little",
            )

    def _look_at_left_out(self, step: int, player: str, known: Settings) -> None:
        if self._lasts(step, player, "left out", bool(known.left_out), LASTING):
            more = f" and {len(known.left_out) - 2} more" if len(known.left_out) > 2 else ""
            self._findings.say(
                step,
                f"left out {player}",
                f"no optimiser moves {', '.join(known.left_out[:2])}{more} of the {NAMES[player]}, which get "
                "gradients: make the optimiser once the network is complete; requires_grad_(False) says that they are "
                "frozen on purpose",
            )
