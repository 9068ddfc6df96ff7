"""What logged rows say of a loop by themselves: exchanged labels, players that stand still, rates far apart."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from statistics import median
from typing import TYPE_CHECKING

from ganbench.analysis.verdict_rules import THRESHOLDS
from ganbench.monitor.rates import STILL

if TYPE_CHECKING:
    from ganbench.monitor.findings import Findings
    from ganbench.monitor.player import Player

ROWS = 8  # in a row that must show the same
FIRST_ROWS = 3  # from the beginning, for a gradient that is exactly 0
RANKED_WRONG = 0.3  # AUC; where nothing can be told apart it is 0.5 ± 0.05 at 64 samples
LEARNS = THRESHOLDS["no advantage"].value  # of what its logits could win; below it, a discriminator learns nothing
LASTING = 100  # steps that it must last for: rows of neighbouring steps say the same
APART = 50.0  # times that one player's weights move faster, of themselves; two rates on purpose: 4 to 10
OUTRUN = 5.0  # times; then the discriminator may well rank generated samples above real ones
IDLE = 100  # steps without any update of a player
PLAYERS = {"d": ("discriminator", "generator"), "g": ("generator", "discriminator")}


class Symptoms:
    """Looks at each row as it is logged.

    Args:
        findings: takes the sentences.

    Attributes:
        ranked_right: whether D has ranked samples as its labels say for as long as an exchange must last to be said.
            Then they are not exchanged: a critic that ranks wrongly later on lags behind a generator that swings.
    """

    def __init__(self, findings: Findings) -> None:
        self.ranked_right = False
        self._findings = findings
        self._rows: deque[Mapping[str, float]] = deque(maxlen=ROWS)
        self._count = 0
        self._right: list[int] = []  # steps, as long as it ranks rightly
        self._wrong: list[tuple[int, float, float]] = []  # step, AUC, advantage, as long as it ranks wrongly
        self._at_first: dict[str, float] = {}

    def look(self, step: int, values: Mapping[str, float], gets_gradient: Callable[[str], bool]) -> None:
        """Look at a row of the diagnostics, column → number.

        Args:
            step: its number.
            values: the row.
            gets_gradient: whether a backward pass has brought a player, `"D"` or `"G"`, a gradient other than 0.
        """
        self._rows.append(values)
        self._count += 1
        if self._count == FIRST_ROWS:
            self._at_first = {player: self._slower(player) for player in PLAYERS}
        for player in PLAYERS:
            self._look_at_gradient(step, player, gets_gradient)
            self._look_at_updates(step, player)
        if not self.ranked_right:
            self._look_at_ranking(step, values)

    def _look_at_ranking(self, step: int, values: Mapping[str, float]) -> None:
        auc = values.get("d_auc", math.nan)
        self._right = [*self._right, step] if auc > 1 - RANKED_WRONG else []
        self.ranked_right = len(self._right) >= ROWS and step - self._right[0] >= LASTING
        if self._full("update_ratio_d") and self._slower("d") > OUTRUN:
            return  # the samples are where it has not yet looked
        if not auc < RANKED_WRONG:
            self._wrong = []
            return
        self._wrong.append((step, auc, values.get("d_advantage", math.inf)))
        if len(self._wrong) < ROWS or step - self._wrong[0][0] < LASTING:
            return
        if median(advantage for _, _, advantage in self._wrong) < LEARNS:
            return  # it ranks by chance: it is blind, and the verdict says so
        worst = max(auc for _, auc, _ in self._wrong)
        self._findings.say(
            step,
            "d_loss",
            f"the discriminator ranks generated samples above real ones (AUC at most {worst:.2g} since step "
            f"{self._wrong[0][0]}): the labels in one of its losses are swapped, or flipped at random, its optimiser "
            "has maximize=True, or real_logits and fake_logits are exchanged in monitor.step",
        )

    def _look_at_gradient(self, step: int, player: str, gets_gradient: Callable[[str], bool]) -> None:
        norms = self._last(f"grad_norm_{player}")
        if self._count != FIRST_ROWS or len(norms) != FIRST_ROWS or any(norms):
            return
        name, letter = PLAYERS[player][0], player
        if gets_gradient(player.upper()):
            sentence = (
                f"the {name}'s optimiser is called without a gradient: {letter}_loss.backward() is missing, or "
                f"zero_grad() stands between it and opt_{letter}.step()"
            )
        else:
            sentence = (
                f"no gradient reaches the {name}: it is exactly 0; {letter}_loss.backward() is missing, or its loss "
                "does not depend on it (samples detached or made under no_grad, a factor of 0)"
            )
        self._findings.say(step, f"no gradient {player}", sentence)

    def _look_at_updates(self, step: int, player: str) -> None:
        column, (name, other) = f"update_ratio_{player}", PLAYERS[player]
        if not self._full(column):
            return
        own = self._last(column)
        if max(own) < STILL:
            return
        others = self._last("update_ratio_" + ("g" if player == "d" else "d"))
        if not self._full("update_ratio_" + ("g" if player == "d" else "d")) or min(others) < STILL:
            return
        slower = self._slower(player)
        # The first rows tell the rates: later a player may move less for another reason, such as a regulariser.
        first = self._at_first.get(player, 0.0)
        if slower > OUTRUN and first > APART:
            self._findings.say(
                step,
                f"slow {player}",
                f"the {name}'s weights move {max(slower, first):.0f} times less, of themselves, than the {other}'s: "
                f"raise the {name}'s learning rate, or lower the {other}'s",
            )

    def _slower(self, player: str) -> float:
        """Return by which factor a player's weights move less than the other's, 0 where that is not known."""
        both = self._last("update_ratio_d"), self._last("update_ratio_g")
        own, others = both if player == "d" else both[::-1]
        if not own or len(own) != len(others):
            return 0.0
        return median(o / max(x, 1e-30) for x, o in zip(own, others, strict=True))

    def _full(self, column: str) -> bool:
        return len(self._last(column)) == ROWS

    def _last(self, column: str) -> list[float]:
        values = [row.get(column, math.nan) for row in self._rows]
        return [value for value in values if not math.isnan(value)]


class Idle:
    """Counts for how long a player has not moved, and says so once: no optimiser of the loop's holds it.

    Args:
        player: `"d"` or `"g"`.
        findings: takes the sentence.
    """

    def __init__(self, player: str, findings: Findings) -> None:
        self.player, self._findings = player, findings
        self.steps, self.ever = 0, False

    def look(
        self, step: int, moved: bool, expected: bool, by_hand: bool = False, network: Player | None = None
    ) -> None:
        """Take in a step.

        Args:
            step: its number.
            moved: whether an optimiser that holds it has stepped.
            expected: whether it ought to move; one that joins late has no gradient yet.
            by_hand: whether its weights have moved without one.
            network: it.
        """
        self.steps, self.ever = (0, True) if moved else (self.steps + 1, self.ever)
        name = PLAYERS[self.player][0]
        if by_hand:
            self._findings.say(
                step,
                f"idle {self.player}",
                f"the {name}'s weights move, and no optimiser of torch.optim moves them: its gradients and update "
                f"ratios are not known; where it is a copy of another network, give that one as {name}, and the copy "
                "as ema=",
            )
        if self.steps < IDLE or not (expected or self.ever):
            return
        since = f"since step {step - self.steps}" if self.ever else f"in {IDLE} steps"
        remedy = (
            f"give its optimiser the parameters of the very {name} that ganbench.Monitor was given (or that one to the "
            "monitor), and call its step()"
        )
        if network is not None and network.frozen:
            remedy = f"its weights are frozen; call {name}.requires_grad_(True) before its own backward pass"
        self._findings.say(step, f"idle {self.player}", f"no optimiser has moved the {name} {since}: {remedy}")
