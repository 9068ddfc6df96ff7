"""The monitor: one line in anyone's training loop."""

from __future__ import annotations

import logging
import math
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ganbench.analysis.verdicts import Verdict
from ganbench.core.errors import UsageError
from ganbench.core.status import Status
from ganbench.datasets import Dataset
from ganbench.diagnostics import Diagnostic
from ganbench.losses import Loss
from ganbench.metrics import Metric
from ganbench.monitor import open_monitors
from ganbench.monitor.cadence import Cadence
from ganbench.monitor.cast import Networks, Several, called, joined, members, part
from ganbench.monitor.checks import check_numbers, loss_of, rank, readable, say_what_is_shared
from ganbench.monitor.embedding import real_numbers
from ganbench.monitor.given import Answers, Numbers, tensor_of
from ganbench.monitor.guard import Guard
from ganbench.monitor.hooks import Catcher
from ganbench.monitor.player import Player
from ganbench.monitor.record import Record
from ganbench.monitor.samples import SampleView
from ganbench.monitor.scrutiny import Scrutiny
from ganbench.monitor.view import ALIVE, View, few
from ganbench.sinks import Sink
from ganbench.training.evaluation import ExtractorChoice

log = logging.getLogger("ganbench.monitor")

CPU = torch.device("cpu")
FIRST_CALLS = 10  # in which mistakes are raised
WIDEST_ROWS = 97  # steps between two rows at most; a prime, so that no penalty of every k-th step is met each time


class Monitor:
    """Watches a GAN that somebody else trains, and names a failure when it begins.

    ```python
    monitor = ganbench.Monitor(generator, discriminator)
    for real in loader:
        ...  # any training step
        monitor.step(real=real, fake=fake, real_logits=real_logits, fake_logits=fake_logits)
    ```
    Hooks find gradients and weights around each update: clipping, `zero_grad`, accumulation, several optimisers,
    `GradScaler`, `torch.compile` and distributed training (rank 0 writes) need nothing more. It changes no weight, no
    gradient and no random number, keeps no network alive, no batch and no graph. What fails inside is logged once.

    Args:
        generator, discriminator: the networks, wrapped or not; a list or a dict where several play one part.
        folder: of the tables, for `ganbench report` and `ganbench watch`; beside one that holds a run `-2`, `-3` …
        loss: the name of the loss among ganbench's, or a `Loss`, for the diagnostics that look at its slope.
        data: a data set of ganbench's by name, a `Dataset`, or real samples `[n, *shape]` that training does not use;
            by default the first real minibatches. A data set that knows its modes gives verdicts about modes.
        latents: the generator's input `[n, …]`, or a tuple of its inputs, fixed: what is judged. Without it the
            minibatches of the last steps are, whose noise hides small movements.
        judged: the network that answers the latents where it is not the generator itself: an averaged copy, or one of
            several generators.
        features: an extractor's name, or a function of samples `[n, *shape]` that returns `[n, d]`; by default at most
            64 numbers (`ganbench.monitor.embedding`).
        kind: `"audio"` where samples are waves `[…, T]`.
        ema: an averaged copy of the generator, whose answers to the latents trackers show as well.
        diagnostics: names or diagnostics, as in a suite; by default the cheap ones whose needs are given.
        metrics: names or metrics; by default `modes` and `position`, those that verdicts need.
        log_every: steps between two rows. evaluate_every: between two looks at the samples. By default both lie ever
            further apart, as far as `overhead` allows. samples: how many.
        overhead: the share of the time that looks may take, and rows as much again, where their steps are not given.
        sinks: where rows and pictures go besides, as they come (`ganbench.sinks`).
        seed: of this run, for the tables.
        resume: whether to go on with the run in `folder`; a number is the step that training goes on from, and rows
            beyond it are cut.

    Raises:
        UsageError: an argument is wrong or the folder cannot be written.
    """

    def __init__(
        self,
        generator: Networks,
        discriminator: Networks,
        folder: str | Path = "my_run",
        *,
        loss: str | Loss | None = None,
        data: str | Dataset | Numbers | None = None,
        latents: Numbers | tuple[Tensor, ...] | None = None,
        judged: nn.Module | None = None,
        features: ExtractorChoice = None,
        kind: str | None = None,
        ema: nn.Module | None = None,
        diagnostics: Sequence[str | Diagnostic] | None = None,
        metrics: Sequence[str | Metric] | None = None,
        log_every: int | None = None,
        evaluate_every: int | None = None,
        samples: int = 500,
        overhead: float = 0.02,
        sinks: Sequence[Sink] = (),
        seed: int = 0,
        resume: bool | int = False,
    ) -> None:
        check_numbers({"log_every": log_every, "evaluate_every": evaluate_every, "samples": samples}, overhead, kind)
        self.guard, self._asked = Guard(), Path(folder)
        self._calls = self._steps = self._unmoved = 0
        self._given: dict[str, Tensor] = {}
        self._record: Record | None = None
        self._samples: SampleView | None = None
        cast = part("generator", generator), part("discriminator", discriminator)
        self._several = [
            one for one in cast if isinstance(one, Several)
        ]  # of which players keep no more than a reference
        self._g, self._d = Player("G", cast[0]), Player("D", cast[1])
        self._judged = None if judged is None else weakref.ref(judged)
        self._open = rank() == 0 and readable(self._g, self._d)  # the others train alone
        if not self._open:
            return
        self._rows = Cadence(log_every, overhead, WIDEST_ROWS, first=1)
        self._looks = Cadence(evaluate_every, overhead)
        self._ema = None if ema is None else weakref.ref(ema)
        self._view = View(loss_of(loss), diagnostics, self.guard)
        self._scrutiny = Scrutiny(self._view.loss, self._d, self._g, self.guard)
        if rank() == 0:
            device = self._g.param(0).device
            judging = device if device.type == "cuda" else CPU
            self._samples = SampleView(data, latents, features, kind, metrics, samples, judging, self.guard)
            self._samples.try_latents(self._judge)
            say_what_is_shared(self._g, self._d)
            open_monitors.enter(self, self._asked, (*members(cast[0]), *members(cast[1])))
            names = "/".join(map(called, cast))
            self._record = Record(
                self._asked, names, self._view, self._samples, sinks, seed, device, self.guard, resume, self._scrutiny
            )
            self._go_on()
        self._catcher = Catcher((self._d, self._g), self.guard)
        self._catcher.arm()
        # Also where nobody closes it: when it is forgotten, and at the end of the program.
        self._finish = weakref.finalize(self, _end, self.guard, self._catcher, self._scrutiny, self._record)

    @property
    def steps(self) -> int:
        """Return the updates of the generator so far."""
        return self._steps

    @property
    def folder(self) -> Path:
        """Return where the tables are."""
        return self._asked if self._record is None else self._record.folder.path

    @property
    def _judge(self) -> nn.Module:
        """Return the network whose samples are judged."""
        judged = None if self._judged is None else self._judged()
        return self._g.module if judged is None else judged

    @property
    def verdict(self) -> Verdict | None:
        """Return the failure that holds just now, with evidence and remedy; None while there is none."""
        return None if self._record is None else self._record.alarm.verdict

    @property
    def findings(self) -> tuple[str, ...]:
        """Return what was found wrong in the loop so far: sentences with the step and the remedy, the first first."""
        return tuple(self._scrutiny.findings.said.values()) if self._open or self._record is not None else ()

    def step(
        self,
        *,
        real: Numbers | None = None,
        fake: Numbers | None = None,
        real_logits: Answers | None = None,
        fake_logits: Answers | None = None,
        d_loss: Numbers | None = None,
        g_loss: Numbers | None = None,
        terms: Mapping[str, Tensor | float] | None = None,
        condition: Tensor | None = None,
    ) -> None:
        """Take in a training step; call it behind each, or each iteration: a step counts where the generator moved.

        Tensors, arrays and numbers are taken; of several numbers of a loss the mean.

        Args:
            real: the minibatch `[B, *shape]`.
            fake: the generated minibatch, likewise.
            real_logits: the discriminator's answers to real samples, before any sigmoid, in any shape: maps of patches,
                lists or dicts of several discriminators, (validity, class).
            fake_logits: its answers to generated ones.
            d_loss: what the discriminator descended.
            g_loss: what the generator descended.
            terms: the parts of the generator's loss by name, where their graphs are still there; see `terms`.
            condition: labels or inputs `[B, …]` that the discriminator is given beside real samples, for diagnostics
                that call it.

        Raises:
            UsageError: an argument is of another kind, in one of the first ten calls; later it is logged.
        """
        if not self._open:
            return
        self._calls += 1
        given = {"real_logits": real_logits, "fake_logits": fake_logits, "d_loss": d_loss, "g_loss": g_loss}
        try:
            if self._catcher.armed:
                self._given |= {n: tensor_of(n, joined(x)) for n, x in given.items() if x is not None}
            self._take_samples({"real": real, "fake": fake, "condition": condition})
        except Exception as error:
            if isinstance(error, UsageError) and self._calls <= FIRST_CALLS:
                raise
            self.guard.report("what monitor.step is given", error)
        if terms is not None:
            self.terms(terms)
        self.guard.run("monitor.step", self._step, fake, {"real": real, "fake": fake, **given})
        if self.guard.is_out("monitor.step"):
            self.close()

    def terms(self, terms: Mapping[str, Tensor | float], at: Tensor | Sequence[Tensor] | None = None) -> None:
        """Weigh the terms of the generator's loss against each other; call it before `backward()`.

        Each term's gradient is worked out at logged steps by one more backward pass; nothing is left in `.grad`, and
        no random number is drawn. What it is and the columns: `ganbench.monitor.terms.Terms`.

        ```python
        monitor.terms({"adversarial": adversarial, "l1": 100 * l1})
        (adversarial + 100 * l1).backward()
        ```

        Args:
            terms: name → a scalar tensor as it goes into the sum that is minimised, its weight included.
            at: the weights by which gradients are taken, such as the last layer's, as VQGAN does; by default all of the
                generator's.
        """
        if self._open and self._catcher.armed:
            self.guard.run("the terms", self._scrutiny.weigh, self._steps, terms, at)

    def close(self) -> None:
        """Write what is left and take the hooks away; done at the end of the program where nobody does it before."""
        if self._open:
            self._open = False
            open_monitors.leave(self)
            self._finish()

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps of the run: numbers and tensors, no object; empty on ranks above 0."""
        return {} if self._record is None else self.guard.run("state_dict()", self._record.state_dict) or {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on with the run of a checkpoint, in its folder; rows that were written after it are cut."""
        if self._record is not None and state and self._open:
            self.guard.run("load_state_dict()", self._record.load, state)
            self._go_on()

    def __enter__(self) -> Monitor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _go_on(self) -> None:
        """Count from where the run stands."""
        if self._record is not None and self._record.steps:
            self._steps = self._record.steps
            self._rows.after(self._steps)
            self._looks.after(self._steps)

    def _take_samples(self, given: Mapping[str, Numbers | None]) -> None:
        """Take in real samples where there are too few of them, and a few of both that diagnostics read."""
        wanting = self._samples is not None and self._samples.reference.wanting
        if self._catcher.armed and self._view.reads_samples:
            self._given |= {n: few(real_numbers(tensor_of(n, x))) for n, x in given.items() if x is not None}
        affordable = self._looks.every is not None or self._looks.affordable
        if self._samples is not None and wanting and affordable and given["real"] is not None:
            with self._looks.charged():
                real = tensor_of("real", given["real"])
                self.guard.run("the collecting of real samples", self._samples.offer, real)

    def _step(self, fake: Numbers | None, given: Mapping[str, object]) -> None:
        if not self._g.moved:
            self._unmoved += 1
            self._scrutiny.unmoved(self._unmoved)
            return
        self._steps += 1
        self.guard.step, self._unmoved = self._steps, 0
        self._scrutiny.step(self._steps, given, self._catcher.armed)
        self._end_round()
        self._g.moved = self._d.moved = False
        if self._record is not None:
            self._record.steps = self._steps
        if fake is not None:
            self._keep(fake)
        if self._catcher.armed and self._g.caught and (self._d.caught or not self._scrutiny.waits_for_d):
            with self._rows.spending(self._steps):
                self.guard.run("the reading of a step", self._log)
            self._given = {}
            self._catcher.disarm()
        if self._samples is not None and self._open and self._looks.due(self._steps):
            if self._looks.every is not None or self._samples.ready:
                with self._looks.spending(self._steps):
                    self.guard.run("the look at samples", self._evaluate, self._samples)
        if self._open and not self._catcher.armed and self._rows.due(self._steps + 1):
            self._catcher.arm()

    def _end_round(self) -> None:
        """Take back what the first row says of a player whose regulariser, too, took a step of its own then."""
        for name in self._catcher.rounds.end():
            columns = (f"{column}_{name.lower()}" for column in ("grad_norm", "grad_push", "update_ratio"))
            if self._record is not None and self._record.history.row:
                kept = [column for column in columns if column in self._record.history.columns]
                self._record.history.write(next(iter(self._record.history.row)), dict.fromkeys(kept, math.nan))

    def _keep(self, fake: Numbers) -> None:
        """Keep a generated minibatch where it belongs to the next look."""
        samples, looks = self._samples, self._looks
        if samples is None or samples.latents is not None or not (looks.every or looks.affordable):
            return
        if samples.size or self._steps >= samples.first_to_keep(len(fake), looks.next):  # type: ignore[arg-type]
            with looks.charged():
                self.guard.run("the keeping of generated samples", samples.keep, tensor_of("fake", fake))

    def _log(self) -> None:
        """Add the row of this step."""
        heldout = None if self._samples is None else self._samples.reference.heldout
        values, layers = self._view.read(self._steps, self._d, self._g, self._given, heldout)
        if not values.pop(ALIVE):
            self._diverge()
        elif self._record is not None:
            values |= {f"regulariser_norm_{p.name.lower()}": p.extra for p in (self._d, self._g) if p.extra}
            self._record.optimizers |= self._d.optimizers | self._g.optimizers
            self._record.add(self._scrutiny.row(self._steps, values), layers)

    def _evaluate(self, samples: SampleView) -> None:
        """Judge samples: those of the fixed latents, or the last minibatches."""
        look = samples.look(self._judge)
        if look is None or samples.reference.wanting or self._record is None:
            return
        if samples.out_of_range(look):
            self._diverge()
            return
        self._record.add_look(look, samples.measure(look))
        ema = None if self._ema is None else self._ema()
        if ema is not None and samples.latents is not None and self._record.draws:
            if (averaged := self.guard.run("the picture of ema=", samples.look, ema)) is not None:
                self._record.add_picture("samples_ema", averaged.picture)

    def _diverge(self) -> None:
        """Note the end of a run whose numbers are not finite any more."""
        if self._record is not None:
            self._record.diverged()
        log.warning("step %d: diverged: %s", self._steps, Status.DIVERGED.remedy)
        self.close()


def _end(guard: Guard, catcher: Catcher, scrutiny: Scrutiny, record: Record | None) -> None:
    for hooks in (catcher, scrutiny):
        guard.run("the removal of hooks", hooks.close)
    if record is not None:
        guard.run("close()", record.close)
