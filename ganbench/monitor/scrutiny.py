"""All that looks at how a loop is made: its wiring, its conventions, who stands still, the terms of its loss."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ganbench.core import arguments
from ganbench.core.errors import UsageError
from ganbench.losses import Loss
from ganbench.monitor.by_hand import ByHand
from ganbench.monitor.cast import answers_of, members
from ganbench.monitor.conventions import Conventions
from ganbench.monitor.copies import Copies
from ganbench.monitor.feeds import Feeds
from ganbench.monitor.findings import Findings
from ganbench.monitor.guard import Guard
from ganbench.monitor.heldout import Heldout
from ganbench.monitor.isolation import untouched_buffers, untouched_randomness
from ganbench.monitor.player import Player
from ganbench.monitor.rates import Rates
from ganbench.monitor.symptoms import Idle, Symptoms
from ganbench.monitor.terms import Term, Terms
from ganbench.monitor.windows import CLOSE, EARLY
from ganbench.monitor.wiring import Wiring

At = Tensor | Iterable[Tensor] | nn.Module  # weights, or a layer that has them
PATIENCE = 20  # steps without an update of the discriminator, after which rows do without it


class Scrutiny:
    """Looks at a loop at its beginning, in a few short windows and at logged rows.

    Args:
        loss: what both players descend, where that is known.
        d, g: the players.
        copies: of the generator, `judged` and `ema`, None where they were not given.
        guard: keeps what fails here from the training.

    Attributes:
        findings: the sentences so far. terms: of the generator's loss.
    """

    def __init__(self, loss: Loss | None, d: Player, g: Player, copies: Mapping[str, object], guard: Guard) -> None:
        self._d, self._g, self.guard = d, g, guard
        self.findings = Findings()
        self._conventions, self._symptoms = Conventions(loss, self.findings), Symptoms(self.findings)
        self._feeds, self._rates = Feeds(self.findings), Rates(self.findings)
        self._heldout, self._copies = Heldout(self.findings), Copies(g.module, copies, self.findings)
        self._idle = {"d": Idle("d", self.findings), "g": Idle("g", self.findings)}
        self._by_hand = {"d": ByHand(d), "g": ByHand(g)}
        self.terms = Terms(self.findings)
        self._wiring = Wiring({"D": members(d.module), "G": members(g.module)}, self.findings, guard)

    def state_dict(self) -> dict[str, object]:
        """Return what later rows are compared with."""
        return {
            "pushes": {name: list(first) for name, first in self._conventions.pushes.items()},
            "scale": self._conventions.scale,
            "said": dict(self.findings.sentences),
            "ranked_right": self._symptoms.ranked_right,
        }

    def load_state_dict(self, state: Mapping[str, Any], end: int) -> None:
        """Go on with what a run's first rows have shown, and with what was said up to a step."""
        self.findings.restore(state.get("said", {}), end)
        self._conventions.pushes = {name: list(first) for name, first in state["pushes"].items()}
        self._conventions.scale = state["scale"]
        self._symptoms.ranked_right = state.get("ranked_right", False)

    def close(self) -> None:
        """Take the hooks away."""
        self._wiring.close()

    @property
    def waits_for_d(self) -> bool:
        """Return whether the discriminator's update belongs to a row; not while it has not joined yet, or rests."""
        return self._idle["d"].steps <= PATIENCE

    def unmoved(self, step: int, calls: int) -> bool:
        """Take in that no optimiser has moved the generator since a step; return whether its weights move even so.

        Args:
            step: the last that moved it.
            calls: of `monitor.step` since.
        """
        # A discriminator may train alone at first; then the generator has no gradient.
        expected = not self._d.moved or "G" in self._wiring.reached
        by_hand = bool(self.guard.run("the look at who moves", self._by_hand["g"].look, calls))
        self._idle["g"].look(step + calls, False, expected, by_hand, self._g)
        return by_hand

    @property
    def g_by_hand(self) -> bool:
        """Return whether the generator is moved by no optimiser of torch's, so that no update of it is ever caught."""
        return self._by_hand["g"].found

    def step(self, step: int, given: Mapping[str, object], logged: bool, heldout: Tensor | None) -> None:
        """Take in a step that moved the generator.

        Args:
            step: its number.
            given: arguments of `monitor.step` by name.
            logged: whether it makes a row.
            heldout: a few of the samples that were given as data.
        """
        self._idle["g"].look(step - 1, True, True)
        by_hand = self._by_hand["d"].found
        if not self._d.moved:
            still = self._idle["d"].steps + 1
            by_hand = bool(self.guard.run("the look at who moves", self._by_hand["d"].look, still))
        self._idle["d"].look(step - 1, self._d.moved, "D" in self._wiring.reached, by_hand, self._d)
        # Most steps are in no window: they only count, and what they were given is not even taken apart.
        if not (logged or step in CLOSE or self._wiring.open) and self._copies.decided and self._heldout.decided:
            return
        tensors = {name: answers for name, value in given.items() if (answers := answers_of(value))}
        self.guard.run("the look at the loop's wiring", self._wiring.step, step, tensors)
        self.guard.run("the look at what is fed", self._feeds.step, step, tensors)
        self.guard.run("the look at the averaged copies", self._copies.look, step)
        if not self._heldout.decided and "real" in tensors:
            self.guard.run("the look at data=", self._heldout.look, step, tensors["real"][0], heldout)
        if not self._conventions.decided and (step <= EARLY or logged):
            self.guard.run("the look at conventions", self._conventions.look, step, tensors)

    def row(self, step: int, values: Mapping[str, float]) -> dict[str, float]:
        """Look at a row; return it in the scale of the declared loss, with the terms of the generator's loss."""
        row = self.guard.run("the scale of a row", self._conventions.rescaled, values) or dict(values)
        self.guard.run("the look at a row", self._symptoms.look, step, row, self._wiring.gets_gradient)
        self.guard.run("the look at the optimisers", self._look_at_rates, step, row)
        return row | (self.guard.run("the terms", self.terms.take, step) or {})

    def _look_at_rates(self, step: int, row: Mapping[str, float]) -> None:
        players = {"d": self._d, "g": self._g}
        self._rates.look(step, row, {name: player.settings() for name, player in players.items() if player.caught})

    def weigh(self, step: int, terms: Mapping[str, Term], at: At | None) -> None:
        """Weigh the terms of the generator's loss (`ganbench.monitor.terms`)."""
        networks = [*members(self._d.module), *members(self._g.module)]
        self._wiring.muted = True
        try:
            # A network that computes its activations again runs once more.
            with torch.enable_grad(), untouched_randomness(), untouched_buffers(networks):
                self.terms.weigh(terms, [weight for weight in self._weights(at) if weight.requires_grad])
        except UsageError as error:
            self.findings.say(step, "terms", str(error))
        finally:
            self._wiring.muted = False

    def _weights(self, at: At | None) -> Sequence[Tensor]:
        if at is None:
            return self._g.hooked
        if isinstance(at, nn.Module):
            return list(at.parameters())
        weights = list(at) if isinstance(at, Iterable) and not isinstance(at, Tensor | str) else [at]
        if not weights or not all(isinstance(one, Tensor) for one in weights):
            raise UsageError(f"the terms are taken at= {arguments.shown(at)}; give a list of weights, or a layer")
        return weights
