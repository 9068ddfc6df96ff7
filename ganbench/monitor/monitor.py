"""The monitor: one line in anyone's training loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from ganbench.analysis.verdicts import Verdict
from ganbench.core.errors import UsageError
from ganbench.datasets import Dataset
from ganbench.diagnostics import Diagnostic
from ganbench.losses import Loss
from ganbench.metrics import Metric
from ganbench.monitor import open_monitors
from ganbench.monitor.cadence import Cadence
from ganbench.monitor.cast import Networks, Several, called, members, part
from ganbench.monitor.checks import (
    check_kinds,
    check_numbers,
    folder_of,
    loss_of,
    rank,
    readable,
    say_what_is_shared,
    say_what_needs_latents,
)
from ganbench.monitor.given import Answers, Numbers, Samples, samples_of
from ganbench.monitor.guard import Guard
from ganbench.monitor.isolation import training
from ganbench.monitor.kept_state import State
from ganbench.monitor.player import Player
from ganbench.monitor.record import Record
from ganbench.monitor.samples import SampleView
from ganbench.monitor.scrutiny import At, Scrutiny
from ganbench.monitor.terms import Term
from ganbench.monitor.view import View
from ganbench.monitor.watch import Watch
from ganbench.sinks import Sink
from ganbench.training.evaluation import ExtractorChoice

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
            several generators; or a function that calls one.
        features: an extractor's name, or a function of samples `[n, *shape]` that returns `[n, d]`; by default at most
            64 numbers (`ganbench.monitor.embedding`).
        kind: `"audio"` where samples are waves `[…, T]`.
        ema: an averaged copy of the generator, whose answers to the latents trackers show as well.
        diagnostics: names or diagnostics, as in a suite; by default the cheap ones whose needs are given.
        metrics: names or metrics; by default `modes` and `position`, those that verdicts need.
        log_every: steps between two rows, in the mean: where a row lies in them varies, so that a regulariser of every
            k-th step is met as often as it happens. evaluate_every: between two looks at the samples. By default both
            lie ever further apart, as far as `overhead` allows. samples: how many.
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
        judged: Callable[..., object] | None = None,
        features: ExtractorChoice = None,
        kind: str | None = None,
        ema: Callable[..., object] | None = None,
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
        whole = {"log_every": log_every, "evaluate_every": evaluate_every, "samples": samples}
        check_numbers(whole, overhead, kind, seed, resume)
        check_kinds(
            {"diagnostics": diagnostics, "metrics": metrics, "sinks": sinks}, {"judged": judged, "ema": ema}, features
        )
        self.guard, self._asked, self._calls = Guard(), folder_of(folder), 0
        self._watch: Watch | None = None
        cast = part("generator", generator), part("discriminator", discriminator)
        self._several = [one for one in cast if isinstance(one, Several)]  # players keep no more than a reference
        g, d = Player("G", cast[0]), Player("D", cast[1])
        if rank() != 0 or not readable(g, d):  # the others train alone
            return
        device = g.param(0).device
        rows, looks = Cadence(log_every, overhead, WIDEST_ROWS, first=1, varied=True), Cadence(evaluate_every, overhead)
        view = View(loss_of(loss), diagnostics, self.guard)
        scrutiny = Scrutiny(view.loss, d, g, {"judged": judged, "ema": ema}, self.guard)
        judging = device if device.type == "cuda" else CPU
        seen = SampleView(data, latents, features, kind, metrics, samples, judging, self.guard)
        seen.try_latents(g.module if judged is None else judged)
        say_what_needs_latents(latents, {"judged": judged, "ema": ema})
        say_what_is_shared(g, d)
        open_monitors.enter(self, self._asked, (*members(cast[0]), *members(cast[1])))
        names = "/".join(map(called, cast))
        record = Record(self._asked, names, view, seen, sinks or (), seed, device, self.guard, resume, scrutiny)
        self._watch = Watch(g, d, view, seen, record, scrutiny, rows, looks, judged, ema, self.guard)

    @property
    def steps(self) -> int:
        """Return the updates of the generator so far."""
        return 0 if self._watch is None else self._watch.steps

    @property
    def folder(self) -> Path:
        """Return where the tables are."""
        return self._asked if self._watch is None else self._watch.record.folder.path

    @property
    def verdict(self) -> Verdict | None:
        """Return the failure that holds just now, with evidence and remedy; None while there is none."""
        return None if self._watch is None else self._watch.record.alarm.verdict

    @property
    def findings(self) -> tuple[str, ...]:
        """Return what was found wrong in the loop so far: sentences with the step and the remedy, the first first."""
        return () if self._watch is None else tuple(self._watch.scrutiny.findings.sentences.values())

    def step(
        self,
        *,
        real: Samples | None = None,
        fake: Samples | None = None,
        real_logits: Answers | None = None,
        fake_logits: Answers | None = None,
        d_loss: Numbers | None = None,
        g_loss: Numbers | None = None,
        terms: Mapping[str, Term] | None = None,
        condition: Tensor | None = None,
    ) -> None:
        """Take in a training step; call it behind each, or each iteration: a step counts where the generator moved.

        Tensors, arrays and numbers are taken; of several numbers of a loss the mean. Of a batch of several parts, such
        as (images, labels) or a dict, the samples are the first part of more than one axis.

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
        watch = self._watch
        if watch is None or not watch.open:
            return
        self._calls += 1
        given = {"real_logits": real_logits, "fake_logits": fake_logits, "d_loss": d_loss, "g_loss": g_loss}
        with training():
            samples = self._taken(watch, {"real": real, "fake": fake}, given, condition)
            if terms is not None:
                self.terms(terms)
            self.guard.run("monitor.step", watch.step, samples.get("fake"), {**samples, **given})
        if not watch.open or self.guard.is_out("monitor.step"):
            self.close()

    def _taken(
        self, watch: Watch, batches: Mapping[str, Samples | None], given: Mapping[str, object], condition: Tensor | None
    ) -> dict[str, Tensor]:
        """Return the samples in the minibatches, all that is given taken in; what cannot be used is reported."""
        samples: dict[str, Tensor] = {}
        try:
            samples |= {name: samples_of(name, batch) for name, batch in batches.items() if batch is not None}
            watch.take(given, samples, condition)
            self.guard.passed("what monitor.step is given")
        except Exception as error:
            if isinstance(error, UsageError) and self._calls <= FIRST_CALLS:
                raise
            self.guard.report("what monitor.step is given", error)
        return samples

    def terms(self, terms: Mapping[str, Term], at: At | None = None) -> None:
        """Weigh the terms of the generator's loss against each other; call it before `backward()`.

        Each term's gradient is worked out at logged steps by one more backward pass; nothing is left in `.grad`, and
        no random number is drawn. What it is and the columns: `ganbench.monitor.terms.Terms`.

        ```python
        monitor.terms({"adversarial": adversarial, "l1": 100 * l1})
        (adversarial + 100 * l1).backward()
        ```

        Args:
            terms: name → a scalar tensor as it goes into the sum that is minimised, its weight included, or a list of
                such.
            at: the weights by which gradients are taken, or a layer, such as the last one, as VQGAN does; by default
                all of the generator's.
        """
        if self._watch is not None and self._watch.open:
            with training():
                self._watch.weigh(terms, at)

    def close(self) -> None:
        """Write what is left and take the hooks away; done at the end of the program where nobody does it before."""
        if self._watch is not None:
            open_monitors.leave(self)
            self._watch.close()

    def state_dict(self) -> dict[str, object]:
        """Return what a checkpoint keeps of the run: numbers and tensors, no object; empty on ranks above 0."""
        return {} if self._watch is None else self.guard.run("state_dict()", self._watch.record.state_dict) or {}

    def load_state_dict(self, state: State) -> None:
        """Go on with the run of a checkpoint, in its folder; rows that were written after it are cut.

        Where the folder is gone, or holds another run by now, rows go on in this monitor's own.

        Raises:
            UsageError: it is no state of a monitor, or not of one like this, and ten calls of `step` are not over;
                later it is logged. Everything stays as it was.
        """
        watch = self._watch
        if watch is None or not watch.open or (isinstance(state, Mapping) and not state):
            return
        try:
            watch.record.load(state)
        except Exception as error:
            if isinstance(error, UsageError) and self._calls <= FIRST_CALLS:
                raise
            self.guard.report("load_state_dict()", error)
            return
        open_monitors.move(self, watch.record.folder.path)
        watch.go_on()

    def __deepcopy__(self, _: object) -> Monitor:
        return self  # a copy of what holds it, such as an averaged one, has no hooks of its own

    def __reduce__(self) -> tuple[object, ...]:
        return _unwatched, (str(self.folder),)  # whoever saves what holds it saves no hooks

    def __enter__(self) -> Monitor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _unwatched(folder: str) -> Monitor:
    """Return a monitor that watches nothing."""
    monitor = Monitor.__new__(Monitor)
    monitor.guard, monitor._asked, monitor._calls = Guard(), Path(folder), 0
    monitor._watch, monitor._several = None, []
    return monitor
