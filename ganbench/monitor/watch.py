"""What a monitor does at each step of a loop: when it reads one, when it looks at samples, when it ends."""

from __future__ import annotations

import logging
import math
import weakref
from collections.abc import Callable, Mapping

from torch import Tensor, nn

from ganbench.core.status import Status
from ganbench.monitor.cadence import Cadence
from ganbench.monitor.cast import joined
from ganbench.monitor.embedding import real_numbers
from ganbench.monitor.given import Numbers, tensor_of
from ganbench.monitor.guard import Guard
from ganbench.monitor.hooks import Catcher
from ganbench.monitor.player import Player
from ganbench.monitor.record import Record
from ganbench.monitor.samples import SampleView
from ganbench.monitor.scrutiny import At, Scrutiny
from ganbench.monitor.terms import Term
from ganbench.monitor.view import ALIVE, View, few

log = logging.getLogger("ganbench.monitor")

# Steps. Looks that adapt come fast at first, whatever the rates are: forty are done by step 300, where a slow training
# has hardly begun (the ring at a rate of 1e-4, digits at 2e-4). Who fixes `evaluate_every` knows how long a run is.
GROWN = 1000


class Watch:
    """A loop that is being watched.

    Args:
        g, d: the players.
        view, samples: what is read of steps and of samples.
        record: takes the rows.
        scrutiny: looks at how the loop is made.
        rows, looks: when steps are read, and when samples are looked at.
        judged: the network whose samples are judged where it is not the generator. ema: an averaged copy; both are
            held weakly, unless they are functions.
        guard: keeps what fails here from the training.

    Attributes:
        steps: updates of the generator so far. open: whether it goes on.
    """

    def __init__(
        self,
        g: Player,
        d: Player,
        view: View,
        samples: SampleView,
        record: Record,
        scrutiny: Scrutiny,
        rows: Cadence,
        looks: Cadence,
        judged: Callable[..., object] | None,
        ema: Callable[..., object] | None,
        guard: Guard,
    ) -> None:
        self._g, self._d, self._view, self.guard = g, d, view, guard
        self.samples, self.record, self.scrutiny = samples, record, scrutiny
        self._rows, self._looks = rows, looks
        if looks.every is None:
            record.alarm.grown = GROWN
        self._weighing = Cadence(rows.every, rows.overhead)
        self._judged, self._ema = _held(judged), _held(ema)
        self._given: dict[str, Tensor] = {}
        self.open, self.steps, self._unmoved = True, 0, 0
        self.go_on()
        self.catcher = Catcher((d, g), guard)
        self.catcher.arm()
        # Also where nobody closes it: when it is forgotten, and at the end of the program.
        self._finish = weakref.finalize(self, _end, guard, self.catcher, scrutiny, record)

    def close(self) -> None:
        """End it: take the hooks away, and write what is left."""
        self.open = False
        self._finish()

    def go_on(self) -> None:
        """Count from where the run stands."""
        if self.record.steps:
            self.steps = self.record.steps
            self._rows.after(self.steps)
            self._looks.after(self.steps)

    def take(
        self, given: Mapping[str, object], samples: Mapping[str, Tensor], condition: Numbers | None = None
    ) -> None:
        """Take in what a step was given, as far as it is read.

        Args:
            given: logits and losses by name.
            samples: `real` and `fake`.
            condition: what the discriminator is given beside them.

        Raises:
            UsageError: something is of another kind.
        """
        if self.catcher.armed:
            tensors = {n: tensor_of(n, joined(x)) for n, x in given.items() if x is not None}
            self._given |= {n: x for n, x in tensors.items() if x.numel()}
            if self._view.reads_samples:
                self._given |= {name: few(real_numbers(one)) for name, one in samples.items()}
                if condition is not None:  # labels stay whole numbers
                    self._given["condition"] = few(tensor_of("condition", condition))
        if self.samples.reference.wanting and "real" in samples:
            if self._looks.every is None and not self._looks.affordable:
                self.samples.postponed = True
                return
            with self._looks.charged():
                self.guard.run("the collecting of real samples", self.samples.offer, tensor_of("real", samples["real"]))

    def weigh(self, terms: Mapping[str, Term], at: At | None) -> None:
        """Weigh the terms of the generator's loss, where a row is due and the time allows it."""
        if self.catcher.armed and (self._weighing.every is not None or self._weighing.affordable):
            with self._weighing.spending(self.steps):
                self.guard.run("the terms", self.scrutiny.weigh, self.steps, terms, at)

    def step(self, fake: Tensor | None, given: Mapping[str, object]) -> None:
        """Take in that an iteration of the loop has ended; a step counts where the generator moved."""
        if not self._g.moved:
            self._unmoved += 1
            if not self.scrutiny.unmoved(self.steps, self._unmoved):
                return
        self.steps += 1
        self.guard.step, self._unmoved = self.steps, 0
        self.scrutiny.step(self.steps, given, self.catcher.armed, self.samples.reference.heldout)
        self._end_round()
        self._g.moved = self._d.moved = False
        self.record.steps = self.steps
        if fake is not None and len(fake):
            self._keep(fake)
        caught = self._g.caught or self.scrutiny.g_by_hand
        if self.catcher.armed and caught and (self._d.caught or not self.scrutiny.waits_for_d):
            with self._rows.spending(self.steps):
                self.guard.run("the reading of a step", self._log)
            self._given = {}
            self.catcher.disarm()
        if self.open and self._looks.due(self.steps) and (self._looks.every is not None or self.samples.ready):
            with self._looks.spending(self.steps):
                self.guard.run("the look at samples", self._evaluate)
        if self.open and not self.catcher.armed and self._rows.due(self.steps + 1):
            self.catcher.arm()

    @property
    def _judge(self) -> Callable[..., object]:
        """Return the network whose samples are judged."""
        judged = self._judged()
        return self._g.module if judged is None else judged

    def _end_round(self) -> None:
        """Clear a player's gradient in the first row, where a regulariser took an optimiser step of its own then."""
        history = self.record.history
        for name in self.catcher.rounds.end():
            columns = (f"{column}_{name.lower()}" for column in ("grad_norm", "grad_push", "update_ratio"))
            if history.row:
                kept = [column for column in columns if column in history.columns]
                history.write(next(iter(history.row)), dict.fromkeys(kept, math.nan))

    def _keep(self, fake: Tensor) -> None:
        """Keep a generated minibatch where it belongs to the next look."""
        samples, looks = self.samples, self._looks
        if samples.latents is not None or not (looks.every or looks.affordable):
            return
        if samples.size or self.steps >= samples.first_to_keep(len(fake), looks.next):
            with looks.charged():
                self.guard.run("the keeping of generated samples", samples.keep, tensor_of("fake", fake))

    def _log(self) -> None:
        """Add the row of this step."""
        values, layers = self._view.read(self.steps, self._d, self._g, self._given, self.samples.reference.heldout)
        if not values.pop(ALIVE):
            self._diverge()
            return
        values |= {f"regulariser_norm_{p.name.lower()}": p.extra for p in (self._d, self._g) if p.extra}
        self.record.optimizers |= self._d.optimizers | self._g.optimizers
        self.record.add(self.scrutiny.row(self.steps, values), layers)

    def _evaluate(self) -> None:
        """Judge samples: those of the fixed latents, or the last minibatches."""
        look = self.samples.look(self._judge)
        if look is None or self.samples.reference.wanting:
            return
        if self.samples.out_of_range(look):
            self._diverge()
            return
        self.record.add_look(look, self.samples.measure(look))
        ema = self._ema()
        if ema is not None and self.samples.latents is not None and self.record.draws:
            if (averaged := self.guard.run("the picture of ema=", self.samples.look, ema)) is not None:
                self.record.add_picture("samples_ema", averaged.picture)

    def _diverge(self) -> None:
        """Note the end of a run whose numbers are not finite any more."""
        self.record.diverged()
        log.warning("step %d: diverged: %s", self.steps, Status.DIVERGED.remedy)
        self.close()


def _held(network: Callable[..., object] | None) -> Callable[[], Callable[..., object] | None]:
    """Hold a network weakly, as others do hold it; a function around one, which nobody else may hold, as it is."""
    return weakref.ref(network) if isinstance(network, nn.Module) else lambda: network


def _end(guard: Guard, catcher: Catcher, scrutiny: Scrutiny, record: Record) -> None:
    for hooks in (catcher, scrutiny):
        guard.run("the removal of hooks", hooks.close)
    guard.run("close()", record.close)
