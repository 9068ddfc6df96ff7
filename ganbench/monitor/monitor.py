"""The monitor: one line in anyone's training loop."""

from __future__ import annotations

import atexit
import hashlib
import logging
import math
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from ganbench.analysis.verdicts import Verdict
from ganbench.core import registry
from ganbench.core.component import Component
from ganbench.core.errors import GanbenchError, UsageError
from ganbench.core.naming import DEFAULT_SCHEDULE, NO_TRICKS, run_name
from ganbench.core.status import Status
from ganbench.datasets import Dataset
from ganbench.diagnostics import Diagnostic
from ganbench.losses import Loss
from ganbench.metrics import Metric
from ganbench.monitor.alarm import Alarm
from ganbench.monitor.cast import Networks, answers_of, members, part
from ganbench.monitor.checks import Checks
from ganbench.monitor.folder import Folder
from ganbench.monitor.hooks import Catcher, Player
from ganbench.monitor.view import SampleView, View
from ganbench.sinks import Sink, Writers
from ganbench.tables.manifest import environment
from ganbench.training.evaluation import ExtractorChoice
from ganbench.training.history import History, ThinnedSnapshots
from ganbench.training.tables import TrialLog, made_on

log = logging.getLogger("ganbench.monitor")

GIVEN = ("real", "fake", "real_logits", "fake_logits", "d_loss", "g_loss")
CPU = torch.device("cpu")
FIRST_STEPS = 10  # in which mistakes are raised


class Monitor:
    """Watches a GAN that somebody else trains, and names a failure when it begins.

    ```python
    monitor = ganbench.Monitor(generator, discriminator)
    for real in loader:
        ...  # any training step
        monitor.step(real=real, fake=fake, real_logits=real_logits, fake_logits=fake_logits)
    ```
    Hooks find gradients and weights around each update, so clipping, `zero_grad`, accumulation, several optimisers,
    `GradScaler`, `torch.compile` and distributed training (where rank 0 writes) need nothing more. It never changes a
    weight, a gradient or a random number; on steps that are not logged it counts and no more.

    Args:
        generator, discriminator: the networks, wrapped or not; a list or a dict where several play one part.
        folder: of the tables, for `ganbench report` and `ganbench watch`; beside one that holds a run `-2`, `-3` …
        loss: the name of the loss among ganbench's, or a `Loss`, for the diagnostics that look at its slope.
        data: a data set of ganbench's by name, a `Dataset`, or real samples `[n, *shape]` that training does not use;
            by default the first real minibatches. A data set that knows its modes gives verdicts about modes.
        latents: the generator's input `[n, …]`, or a tuple of its inputs, fixed: what is judged. Without it the
            minibatches of the last steps are, whose noise hides small movements.
        judged: the network that answers the latents where it is not the generator itself: its EMA copy, or one of
            several generators.
        features: an extractor's name, or a function of samples `[n, *shape]` that returns `[n, d]`.
        diagnostics: names or diagnostics, as in a suite; by default the cheap ones whose needs are given.
        metrics: names or metrics; by default `modes` and `position`, those that verdicts need.
        log_every: steps between two rows. evaluate_every: between two looks at the samples. samples: how many.
        sinks: where rows go besides, as they come (`ganbench.sinks`).
        seed: of this run, for the tables.

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
        data: str | Dataset | Tensor | None = None,
        latents: Tensor | tuple[Tensor, ...] | None = None,
        judged: nn.Module | None = None,
        features: ExtractorChoice = None,
        diagnostics: Sequence[str | Diagnostic] | None = None,
        metrics: Sequence[str | Metric] | None = None,
        log_every: int = 100,
        evaluate_every: int = 500,
        samples: int = 500,
        sinks: Sequence[Sink] = (),
        seed: int = 0,
    ) -> None:
        for name, value in (("log_every", log_every), ("evaluate_every", evaluate_every), ("samples", samples)):
            if value < 1:
                raise UsageError(f"ganbench.Monitor: {name} is {value}; give a whole number from 1 on")
        self.steps = 0
        self._open = _rank() == 0
        if not self._open:
            return
        self._cast = part("generator", generator), part("discriminator", discriminator)
        self._g, self._d = Player("G", self._cast[0]), Player("D", self._cast[1])
        self._judged = judged
        self._log_every, self._evaluate_every = log_every, evaluate_every
        loss = _loss(loss) if isinstance(loss, str) else loss
        device = self._g.params[0].device
        judging_device = device if device.type == "cuda" else CPU
        self._samples = SampleView(data, latents, features, metrics, samples, judging_device)
        self._heldout = None if self._samples.evaluator is None else self._samples.evaluator.real.points
        self._view = View(loss, diagnostics)
        self._given: dict[str, Tensor] = {}
        self._next, self._evaluation, self._unmoved = 1, evaluate_every, 0
        self._folder = Folder(Path(folder))
        name = self._folder.path.name
        # The time tells the runs of one name apart, for whoever lays their tables side by side.
        self._trial, self._seed = hashlib.sha256(f"{name} {time.time_ns()}".encode()).hexdigest()[:12], seed
        self._labels = {
            "dataset": self._samples.label,
            "network": "/".join(type(player.module).__name__ for player in (self._g, self._d)),
            "loss": "own loss" if loss is None else loss.label,
            "tricks": NO_TRICKS,
            "optimizer": "unknown",
            "schedule": DEFAULT_SCHEDULE,
        }
        self._facts: dict[Hashable, float | str] = {} if loss is None else {"loss": loss.label}
        self._history, self._layers = History((), 1, CPU), dict[tuple[str, str], History]()
        self._snapshots = ThinnedSnapshots()
        self._n_fake, self._evaluated_at, self._diverged_at = 0, None, None
        self._environment, self._made_on = environment(torch.get_num_threads()), made_on(device)
        self._writers = Writers(sinks, name, self._labels)
        self._checks = Checks(loss, members(self._g.module), members(self._d.module))
        self._alarm = Alarm(self._checks.findings)
        self._catcher = Catcher((self._d, self._g))
        self._catcher.armed = True
        self._began = time.perf_counter()
        atexit.register(self.close)

    @property
    def folder(self) -> Path:
        """Return where the tables are."""
        return self._folder.path

    @property
    def verdict(self) -> Verdict | None:
        """Return the failure that holds just now, with its evidence and a remedy; None while there is none."""
        return self._alarm.verdict

    @property
    def findings(self) -> tuple[str, ...]:
        """Return what was found wrong in the loop so far: sentences with the step and the remedy, the first first."""
        return tuple(self._checks.findings.said.values())

    def step(
        self,
        *,
        real: Tensor | None = None,
        fake: Tensor | None = None,
        real_logits: object = None,
        fake_logits: object = None,
        d_loss: Tensor | float | None = None,
        g_loss: Tensor | float | None = None,
        terms: Mapping[str, Tensor | float] | None = None,
    ) -> None:
        """Take in a training step; call it behind each, or each iteration: a step counts where the generator moved.

        Args:
            real: the minibatch `[B, *shape]`.
            fake: the generated minibatch, likewise.
            real_logits: the discriminator's answers to real samples, before any sigmoid, in any shape: maps of patches,
                lists or dicts of several discriminators, (validity, class).
            fake_logits: its answers to generated ones.
            d_loss: what the discriminator descended.
            g_loss: what the generator descended.
            terms: the parts of the generator's loss by name, where their graphs are still there; see `terms`.

        Raises:
            UsageError: an argument is of another kind.
        """
        if not self._open:
            return
        values = real, fake, _joined(real_logits), _joined(fake_logits), d_loss, g_loss
        parts = [answers_of(v) for v in (real, fake, real_logits, fake_logits, d_loss, g_loss)]
        given = {name: several for name, several in zip(GIVEN, parts, strict=True) if several}
        if self._catcher.armed or self._samples.evaluator is None:
            self._take(values)
        if terms is not None:
            self.terms(terms)
        if not self._g.moved:
            self._unmoved += 1
            self._checks.without_generator(self._unmoved, self._d.moved)
            return
        self.steps += 1
        self._checks.step(self.steps, given, self._d.moved, self._catcher.armed)
        self._g.moved, self._d.moved, self._unmoved = False, False, 0
        if fake is not None:
            self._samples.keep(fake, self.steps, self._evaluation)
        if self._catcher.armed and self._d.caught and self._g.caught:
            self._safely(self._log)
        if self.steps >= self._evaluation:
            self._safely(self._evaluate)
        if self.steps + 1 >= self._next:
            self._catcher.armed = True

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
            self._safely(lambda: self._weigh(terms, at))

    def _weigh(self, terms: Mapping[str, Tensor | float], at: Tensor | Sequence[Tensor] | None) -> None:
        weights = self._g.params if at is None else [at] if isinstance(at, Tensor) else list(at)
        self._checks.weigh(self.steps, terms, weights)

    def close(self) -> None:
        """Write what is left and take the hooks away; done at the end of the program where nobody does it before."""
        if not self._open:
            return
        self._open = False
        atexit.unregister(self.close)
        self._catcher.close()
        self._checks.close()
        self._flush()
        self._writers.close()

    def __enter__(self) -> Monitor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take(self, values: Sequence[Tensor | float | None]) -> None:
        """Keep what was given for the row that is due; that of an earlier call stays where nothing newer came."""
        for name, value in zip(GIVEN, values, strict=True):
            if value is None:
                continue
            if isinstance(value, float | int):
                value = torch.tensor(float(value))
            if not isinstance(value, Tensor):
                raise UsageError(f"ganbench.Monitor.step: {name} is {type(value).__name__}; give a tensor")
            self._given[name] = value.detach()
        if values[0] is not None:
            self._samples.offer(self._given["real"])

    def _log(self) -> None:
        """Add the row of this step."""
        values, layers = self._view.read(self.steps, self._d, self._g, self._given, self._heldout)
        self._next = (self.steps // self._log_every + 1) * self._log_every
        self._given = {}
        self._catcher.disarm()
        if not all(map(math.isfinite, values.values())):
            self._diverge()
            return
        for place, row in layers.items():
            self._layers.setdefault(place, History((), 1, CPU)).write(self.steps, row)
        self._add(self._checks.row(self.steps, values))

    def _evaluate(self) -> None:
        """Judge samples: those of the fixed latents, or the last minibatches."""
        self._evaluation = (self.steps // self._evaluate_every + 1) * self._evaluate_every
        points = self._samples.points(self._judged or self._g.module)
        if points is None or self._samples.evaluator is None:
            return
        if bool(self._samples.evaluator.out_of_range(points.unsqueeze(0)).any()):
            self._diverge()
            return
        values = self._samples.measure(points)
        if len(points) != self._n_fake:
            self._facts |= self._samples.facts(len(points))
        self._n_fake, self._evaluated_at = len(points), self.steps
        self._snapshots.add(self.steps, points.unsqueeze(0).cpu())
        self._add(values)

    def _add(self, values: dict[str, float]) -> None:
        """Add numbers of this step, and hand them on; write the tables where it is time to."""
        self._history.write(self.steps, values)
        self._writers.write(self.steps, values)
        measured = frozenset(column.name for metric in self._samples.metrics for column in metric.columns)
        self._alarm.look(self._history, measured, self._facts)
        if self._folder.due:
            self._flush()

    def _diverge(self) -> None:
        """Note the end of a run whose numbers are not finite any more; nothing that comes has a meaning."""
        self._diverged_at, self._evaluated_at = self.steps, None
        log.warning("step %d: diverged: %s", self.steps, Status.DIVERGED.remedy)
        self.close()

    def _flush(self) -> None:
        self._labels["optimizer"] = "+".join(sorted(self._d.optimizers | self._g.optimizers)) or "unknown"
        seconds = time.perf_counter() - self._began
        used: list[Component] = [*self._view.diagnostics, *self._samples.metrics]
        logged = TrialLog(
            trial=self._trial,
            runs=[run_name(self._trial, self._seed)],
            seeds=[self._seed],
            labels=self._labels,
            versions=dict(sorted((f"{c.kind}:{c.name}", c.version) for c in used)),
            environment=self._made_on,
            steps=self.steps,
            last_steps=[self.steps],
            diverged_at=[self._diverged_at],
            evaluated_at=self._evaluated_at,
            history=self._history,
            layers=self._layers,
            snapshots=self._snapshots.kept,
            diagnostics=self._view.diagnostics,
            metrics=self._samples.metrics,
            evaluator=self._samples.evaluator,
            n_fake=self._n_fake,
            ms_per_step=1e3 * seconds / self.steps if self.steps else math.nan,
            seconds=seconds,
            fact_columns=tuple(self._checks.terms.columns.values()),
        )
        self._folder.write(logged, self._environment, self._open)

    def _safely(self, act: Callable[[], None]) -> None:
        """Do something that must not end a training under way; what a user can fix is raised at its beginning."""
        try:
            act()
        except Exception as error:
            if isinstance(error, GanbenchError) and self.steps <= FIRST_STEPS:
                self.close()
                raise
            log.exception("step %d: the monitor ends here and training goes on: %s", self.steps, error)
            self.close()


def _joined(answer: object) -> Tensor | None:
    """Return all logits of an answer in one tensor; one that is a tensor stays as it is."""
    answers = answers_of(answer)
    if len(answers) < 2:
        return answers[0] if answers else None
    return torch.cat([a.detach().flatten().float() for a in answers])


def _loss(name: str) -> Loss:
    """Return the loss that a name or another name of it stands for: `"lsgan"` is `least_squares`."""
    others = registry.aliases(registry.components(Loss).values())
    return registry.build(Loss, others.get(name.lower(), name))


def _rank() -> int:
    """Return this process's place in a distributed run, 0 without one."""
    distributed = torch.distributed
    return distributed.get_rank() if distributed.is_available() and distributed.is_initialized() else 0
