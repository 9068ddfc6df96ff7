"""The monitor: one line in anyone's training loop."""

from __future__ import annotations

import atexit
import json
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from ganbench.analysis.verdicts import Verdict
from ganbench.core import registry
from ganbench.core.environment import stamp
from ganbench.core.errors import GanbenchError, UsageError
from ganbench.core.status import Status
from ganbench.datasets import Dataset
from ganbench.diagnostics import Diagnostic
from ganbench.losses import Loss
from ganbench.metrics import Metric
from ganbench.monitor.alarm import Alarm
from ganbench.monitor.describe import labels, manifest, versions
from ganbench.monitor.folder import Folder
from ganbench.monitor.hooks import Catcher, Player
from ganbench.monitor.isolation import generated
from ganbench.monitor.judge import Features, SampleEvaluator
from ganbench.monitor.record import Record
from ganbench.monitor.view import View
from ganbench.sinks import Sink, Writers
from ganbench.tables.manifest import environment

log = logging.getLogger("ganbench.monitor")

GIVEN = ("real", "fake", "real_logits", "fake_logits", "d_loss", "g_loss")
OUT_OF_RANGE = 1e6
FIRST_STEPS = 10  # in which mistakes are raised
MISSED = 100  # calls without an update of the generator after which something is wrong


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
        generator, discriminator: the networks, wrapped or not.
        folder: of the tables, for `ganbench report` and `ganbench watch`; beside one that holds a run `-2`, `-3` …
        loss: the name of the loss among ganbench's, or a `Loss`, for the diagnostics that look at its slope.
        data: a data set of ganbench's by name, a `Dataset`, or real samples `[n, *shape]` that training does not use;
            by default the first real minibatches. A data set that knows its modes gives verdicts about modes.
        latents: the generator's input `[n, …]`, or a tuple of its inputs, fixed: what is judged. Without it the
            minibatches of the last steps are, whose noise hides small movements.
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
        generator: nn.Module,
        discriminator: nn.Module,
        folder: str | Path = "my_run",
        *,
        loss: str | Loss | None = None,
        data: str | Dataset | Tensor | None = None,
        latents: Tensor | tuple[Tensor, ...] | None = None,
        features: Features = None,
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
        self._judged = 0  # samples at the last look
        self._open = _rank() == 0
        if not self._open:
            return
        self._d, self._g = Player("D", discriminator), Player("G", generator)
        self._log_every, self._evaluate_every = log_every, evaluate_every
        self._loss = cast(Loss, registry.build("loss", loss, {})) if isinstance(loss, str) else loss
        self._latents = (latents,) if isinstance(latents, Tensor) else latents
        device = self._g.params[0].device
        self._judge = SampleEvaluator(
            data, features, metrics, samples, device if device.type == "cuda" else torch.device("cpu")
        )
        self._heldout = self._judge.real.points if self._judge.real is not None else None
        self._view = View(self._loss, diagnostics)
        self._given: dict[str, Tensor] = {}
        self._pool: list[Tensor] = []
        self._next, self._evaluation, self._keep_from, self._unmoved = 1, evaluate_every, 0, 0
        self._folder = Folder(Path(folder))
        texts = labels(self._g, self._d, self._judge.label, self._loss)
        self._record = Record(self._folder.path.name, texts, seed)
        threads, name = torch.get_num_threads(), torch.cuda.get_device_name(device) if device.type == "cuda" else ""
        self._environment = environment(threads)
        self._stamp = stamp(f"cuda ({name})" if name else device.type, threads)
        self._writers = Writers(sinks, self._record.name, self._record.labels)
        self._alarm = Alarm()
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
        return self._alarm.said

    def step(
        self,
        *,
        real: Tensor | None = None,
        fake: Tensor | None = None,
        real_logits: Tensor | None = None,
        fake_logits: Tensor | None = None,
        d_loss: Tensor | float | None = None,
        g_loss: Tensor | float | None = None,
    ) -> None:
        """Take in a training step; call it behind each, or each iteration: a step counts where the generator moved.

        Args:
            real: the minibatch `[B, *shape]`.
            fake: the generated minibatch, likewise.
            real_logits: the discriminator's answers to real samples, before any sigmoid, in any shape.
            fake_logits: its answers to generated ones.
            d_loss: what the discriminator descended.
            g_loss: what the generator descended.

        Raises:
            UsageError: an argument is of another kind.
        """
        if not self._open:
            return
        if self._catcher.armed or not self._judge.ready:
            self._take((real, fake, real_logits, fake_logits, d_loss, g_loss))
        if not self._g.moved:
            self._unmoved += 1
            if self._unmoved == MISSED:
                log.warning("no optimiser has moved the generator that ganbench.Monitor was given; give that very one")
            return
        self._g.moved, self._unmoved = False, 0
        self.steps += 1
        if self.steps >= self._keep_from and fake is not None:
            self._keep(fake)
        if self._catcher.armed and self._d.caught and self._g.caught:
            self._safely(self._log)
        if self.steps >= self._evaluation:
            self._safely(self._evaluate)
        if self.steps + 1 >= self._next:
            self._catcher.armed = True

    def close(self) -> None:
        """Write what is left and take the hooks away; done at the end of the program where nobody does it before."""
        if not self._open:
            return
        self._open = False
        atexit.unregister(self.close)
        self._catcher.close()
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
        if values[0] is not None and not self._judge.ready:
            self._judge.offer(self._given["real"])

    def _keep(self, fake: Tensor) -> None:
        """Keep a minibatch where it is one of the last before an evaluation."""
        if self._latents is None:
            self._keep_from = self._evaluation - math.ceil(self._judge.samples / len(fake)) + 1
            if self.steps >= self._keep_from:
                self._pool.append(fake.detach())

    def _log(self) -> None:
        """Add the row of this step."""
        values, layers = self._view.read(self.steps, self._d, self._g, self._given, self._heldout)
        self._next = (self.steps // self._log_every + 1) * self._log_every
        self._given = {}
        self._catcher.disarm()
        if not all(map(math.isfinite, values.values())):
            self._diverge()
            return
        self._record.history.add(self.steps, values)
        for place, row in layers.items():
            self._record.layer(place).add(self.steps, row)
        self._new_rows(values)

    def _evaluate(self) -> None:
        """SampleEvaluator samples: those of the fixed latents, or the last minibatches."""
        self._evaluation = (self.steps // self._evaluate_every + 1) * self._evaluate_every
        self._keep_from = 0
        points = self._points()
        if points is None or not self._judge.ready:
            return
        if not bool((points.abs() <= OUT_OF_RANGE).all()):
            self._diverge()
            return
        values = {name: float(value) for name, value in self._judge.measure(points).items()}
        self._judged = len(points)
        self._record.metrics = values
        self._record.history.add(self.steps, values)
        self._record.picture(self.steps, points.cpu().numpy())
        self._new_rows(values)

    def _points(self) -> Tensor | None:
        if self._latents is not None:
            return generated(self._g.module, self._latents).float()
        pool, self._pool = self._pool, []
        if not pool:
            return None
        return torch.cat(pool)[-self._judge.samples :].float()

    def _new_rows(self, values: Mapping[str, float]) -> None:
        """Hand on what is new; write the tables where it is time to."""
        self._writers.write(self.steps, values)
        measured = frozenset(column.name for metric in self._judge.metrics for column in metric.columns)
        self._alarm.look(self._record.history, measured, {f"{n}_floor": v for n, v in self._judge.floors.items()})
        if self._folder.due:
            self._flush()

    def _diverge(self) -> None:
        """Note the end of a run whose numbers are not finite any more; nothing that comes has a meaning."""
        self._record.diverged_at = self.steps
        log.warning("step %d: diverged: a number is not finite or beyond ±1e6; %s", self.steps, Status.DIVERGED.remedy)
        self.close()

    def _flush(self) -> None:
        judge = self._judge
        real = None if judge.real is None else judge.real.points
        used = versions(self._view.diagnostics, judge.metrics)
        facts: dict[str, Any] = {"versions": json.dumps(used), "environment": json.dumps(self._stamp, sort_keys=True)}
        if real is not None:
            facts |= {"extractor": judge.identity, "n_real": len(real), "n_fake": self._judged}
        self._record.labels["optimizer"] = "+".join(sorted(self._d.optimizers | self._g.optimizers)) or "unknown"
        tables = self._record.tables(
            self.steps,
            time.perf_counter() - self._began,
            [*self._view.columns, *judge.columns],
            facts,
            judge.floors,
            None if real is None else real.cpu().numpy(),
        )
        state = {"step": self.steps, "running": self._open}
        self._folder.write(tables, manifest(self._record, used, self._environment, state))

    def _safely(self, act: Callable[[], None]) -> None:
        """Do something that must not end a training under way; what a user can mend is raised at its beginning."""
        try:
            act()
        except Exception as error:
            if isinstance(error, GanbenchError) and self.steps <= FIRST_STEPS:
                self.close()
                raise
            log.exception("step %d: the monitor ends here and training goes on: %s", self.steps, error)
            self.close()


def _rank() -> int:
    """Return this process's place in a distributed run, 0 without one."""
    distributed = torch.distributed
    return distributed.get_rank() if distributed.is_available() and distributed.is_initialized() else 0
