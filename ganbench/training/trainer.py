"""Trains one trial, all its seeds at once, and turns what it logged into tables."""

from __future__ import annotations

import functools
import time
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from ganbench.core.errors import UsageError
from ganbench.core.results_files import kind_of
from ganbench.core.trial import Trial
from ganbench.diagnostics import Step
from ganbench.tables.part_store import TrialTables
from ganbench.training import checkpoint as checkpoints
from ganbench.training.history import snapshot
from ganbench.training.state import TrainingState
from ganbench.training.step import gan_step
from ganbench.training.stopping import Stopped, StopRequest, all_finished_early
from ganbench.training.subnormals import subnormals_as_zero
from ganbench.training.tables import log_of, tabulate
from ganbench.training.vector_field import GameVectorField

CHECKPOINT_SECONDS = 60.0


class Trainer(TrainingState):
    """A trial under way.

    It goes on from the checkpoint if there is one; the numbers are those of an uninterrupted run. A seed whose loss is
    not finite, or whose samples leave a million times the range of the data, is recorded as diverged at that step and
    has no rows from there on; the others never notice. When no seed is left the trial ends, and where it has a stopping
    rule once all are settled.

    Args:
        trial: what to train.
        device: where.
        checkpoint: file to save to every minute, and to resume from; None keeps nothing.
        compile: whether to compile the step where that can be done; `compiled` then says whether it was.

    Raises:
        CheckpointError: there is a checkpoint, and it is damaged, another trial's or of another version.
        UsageError: the evaluations in the checkpoint are those of an extractor with other weights.
    """

    def __init__(
        self, trial: Trial, device: str = "cpu", checkpoint: Path | None = None, *, compile: bool = False
    ) -> None:
        super().__init__(trial, torch.device(device))
        self.checkpoint = checkpoint
        self._moves = None
        if compile:
            self._compile()
        self._saved_at = time.monotonic()
        if checkpoint is not None and kind_of(checkpoint) is not None:
            self._load(checkpoint)

    def _compile(self) -> None:
        from ganbench.training.compiled import CompiledStep, compiled_updates

        start = time.perf_counter()
        updates = compiled_updates(self.setup, self.d, self.g)
        if updates is not None:
            self.compiled, self._moves = True, functools.partial(CompiledStep, updates=updates)
        self.total_seconds += time.perf_counter() - start

    def advance(self, seconds: float, to_evaluation: bool = False) -> None:
        """Train for about that long, at least one step, and save a checkpoint where one is due.

        With `to_evaluation` it returns after an evaluation, too.
        """
        start = time.monotonic()
        with subnormals_as_zero():
            while not self.finished:
                self._one_step()
                now = time.monotonic()
                if self.checkpoint is not None and now - self._saved_at > CHECKPOINT_SECONDS:
                    self._save_between_cycles(self.checkpoint)
                if now - start >= seconds or (to_evaluation and self.step in self.evaluate_steps):
                    break

    def stop(self, request: StopRequest) -> None:
        """End the trial at the requested step, an evaluation's, or at the next evaluation if it is past that step."""
        self.stop_request = request
        if self.step in self.evaluate_steps:
            self._check_end()

    def _one_step(self) -> None:
        start = time.perf_counter()
        step = self.step + 1
        log = step in self.log_steps
        done = gan_step(
            self.setup,
            self.d,
            self.g,
            self.noise,
            step,
            previous=self.last,
            keep_before=step in self.keep_steps,
            moves=self._moves,
        )
        d_moved = self.last is None or done.d is not self.last.d
        self.step, self.last = step, done
        if self.ema is not None:
            self.ema.lerp_(self.g.flat, 1 - self.trial.ema)
        self.finite.add(done.d.loss, done.g.loss)
        if log:
            self._diagnose(self._readable(done, d_moved))
        if self.keep_earlier:
            self.earlier = {"D": done.d.gradient, "G": done.g.gradient}
        trained = time.perf_counter()
        self.train_seconds += trained - start
        if step in self.evaluate_steps:
            self._evaluate()
        self.total_seconds += time.perf_counter() - start

    def _readable(self, done: Step, d_moved: bool) -> Step:
        """Return the step with what else the diagnostics require of it."""
        replaced = bool(self.setup.hooks["generator_loss"])
        progress, probe, start = self.step / self.trial.steps, self.probe, self.start
        return replace(
            done,
            loss=None if replaced else self.setup.loss,
            earlier=self.earlier if d_moved else {n: g for n, g in self.earlier.items() if n == "G"},
            probe=None if probe is None else probe.snapshot(self.d, self.g, progress),
            field=None if probe is None or start is None else GameVectorField(probe, self.d, self.g, start, progress),
        )

    def _diagnose(self, done: Step) -> None:
        with torch.no_grad():
            for diagnostic, steps in zip(self.diagnostics, self.scheduled, strict=True):
                if self.step not in steps:
                    continue
                self.history.write(self.step, diagnostic.observe(done))
                for place, values in diagnostic.layers(done).items():
                    self.layer_history(place).write(self.step, values)

    def _samples(self) -> Tensor:
        params = self.g.params if self.ema is None else self.g.layout.views(self.ema)
        return self.evaluator.generate(params, self.g.buffers)

    def _evaluate(self) -> None:
        points = self._samples()
        self.finite.lose(self.evaluator.out_of_range(points))
        scheduled = [m for m, steps in zip(self.evaluator.metrics, self.measured, strict=True) if self.step in steps]
        self.history.write(self.step, self.evaluator.measure(points, scheduled))
        self._check_end()
        if self.step in self.snapshot_steps or self.stopped is not None:
            self.snapshots[self.step] = snapshot(points)

    def _check_end(self) -> None:
        """End the trial at this evaluation where no seed is left, a request has come, or a stopping rule says so."""
        self.all_diverged = not bool(self.finite.alive.any())
        if self.all_diverged or self.step >= self.trial.steps:
            return
        alive = self.finite.alive.tolist()
        if self.stop_request is not None and self.step >= self.stop_request.step:
            reason = self.stop_request.reason
            self.stopped = Stopped(self.step, tuple(reason if ok else "" for ok in alive))
        elif (share := self.trial.stop.get("collapsed")) and "total_spread" in self.history.columns:
            steps = [step for step in self.evaluate_steps if step <= self.step]
            rows = [self.history.row[step] for step in steps]
            spread = self.history.columns["total_spread"][rows].cpu().numpy()
            reasons = all_finished_early(alive, spread, steps, share * self.trial.steps, len(self.setup.data.weights))
            self.stopped = None if reasons is None else Stopped(self.step, reasons)
        if self.stopped is not None:  # the last evaluation has every metric
            self.history.write(self.step, self.evaluator.measure(self._samples()))

    def progress(self) -> dict[str, float]:
        """Return a few current numbers: the step, the seeds' mean of each metric and median of the gradient norms."""
        numbers = {"step": float(self.step), "alive": float(self.finite.alive.sum())}
        for metric, steps in zip(self.evaluator.metrics, self.measured, strict=True):
            reached = [step for step in steps if step <= self.step]
            for column in metric.columns if reached else ():
                if column.name in self.history.columns:
                    numbers[column.name] = float(
                        self.history.columns[column.name][self.history.row[max(reached)]].nanmean()
                    )
        logged = max((r for s, r in self.history.row.items() if s <= self.step and s in self.log_steps), default=None)
        for name in ("grad_norm_g", "grad_norm_d"):
            if logged is not None and name in self.history.columns:
                numbers[name] = float(self.history.columns[name][logged].nanmedian())
        return numbers

    def tables(self) -> TrialTables:
        """Return the tables of the finished trial."""
        return tabulate(log_of(self))

    def _save_between_cycles(self, path: Path) -> None:
        """Save where the next step moves the discriminator, so that no update of an earlier step is needed."""
        if self.step % self.trial.n_generator == 0:
            self.save(path)

    def save(self, path: Path) -> None:
        """Write a checkpoint atomically; it holds tensors and plain values alone (`weights_only=True` loads it)."""
        checkpoints.write(
            path,
            {
                "key": self.trial.key,
                "compiled": self.compiled,
                "extractor": self.evaluator.extractor_identity,
                "step": self.step,
                "players": {p.name: checkpoints.player_state(p) for p in (self.d, self.g)},
                "ema": self.ema,
                "earlier": self.earlier,
                "noise": self.noise.state_dict(),
                "history": self.history.state_dict(),
                "layers": [[*place, history.state_dict()] for place, history in self.layers.items()],
                "snapshots": self.snapshots,
                "last_finite_step": self.finite.last,
                "alive": self.finite.alive,
                "seconds": [self.train_seconds, self.total_seconds],
            },
        )
        self._saved_at = time.monotonic()

    def _load(self, path: Path) -> None:
        """Go on from a checkpoint of this very trial.

        Raises:
            CheckpointError: it is damaged, another trial's or of another version.
            UsageError: its evaluations are those of an extractor with other weights.
        """
        state = checkpoints.read(path, self.trial.key, self.device)
        before, now = state.get("extractor"), self.evaluator.extractor_identity
        if before != now:
            raise UsageError(
                f"{path}: was judged by {before} up to step {state.get('step')}, and the weights are now those of "
                f"{now}; name the old weights, or remove the file to train the trial anew"
            )
        checkpoints.restore(self, path, state)
        if self.step in self.evaluate_steps:
            self._check_end()
