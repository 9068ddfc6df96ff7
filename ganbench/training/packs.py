"""Trains a trial of many seeds some of them at a time, so that its memory is that of a few."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import TypeVar

import torch
from torch import Tensor

from ganbench.core.trial import Trial
from ganbench.tables.part_store import TrialTables
from ganbench.training.history import History, snapshot_steps
from ganbench.training.tables import TrialLog, facts_of, log_of, tabulate
from ganbench.training.trainer import Trainer

T = TypeVar("T")


class Packs:
    """A trial whose packs train one after the other; what comes out is what one trainer of all seeds would return.

    A pack that is finished is saved as one under way is, so that a resumed trial goes on with the pack that it was at.

    Args:
        trial: the whole.
        trainers: makes the trainer of each of `trial.packs`, in order; it has a checkpoint of its own.
    """

    def __init__(self, trial: Trial, trainers: Sequence[Callable[[], Trainer]]) -> None:
        self.trial = trial
        self._waiting = list(trainers)
        self._logs: list[TrialLog] = []
        self._numbers: list[Mapping[str, float]] = []  # of each pack, when it ended
        self._current: Trainer | None = None
        self._begin()

    @property
    def finished(self) -> bool:
        """Say whether the last pack is."""
        return self._current is None

    @property
    def step(self) -> int:
        """Return the steps of the whole trial that would have cost what has been done."""
        done = sum(len(log.seeds) for log in self._logs) * self.trial.steps
        if self._current is not None:
            done += self._current.step * len(self._current.trial.lanes)
        return done // len(self.trial.lanes)

    def advance(self, seconds: float) -> None:
        """Train a pack for about that long, or to its end."""
        trainer = self._current
        if trainer is None:
            return
        if not trainer.finished:
            trainer.advance(seconds)
        if trainer.finished:
            if trainer.checkpoint is not None:
                trainer.save(trainer.checkpoint)
            self._numbers.append(trainer.progress())
            # One evaluator tells what all were judged by, and each holds the inputs of its seeds.
            self._logs.append(replace(log_of(trainer), evaluator=None if self._logs else trainer.evaluator))
            self._current = trainer = None  # before the next one takes its memory
            self._begin()

    def progress(self) -> dict[str, float]:
        """Return a few current numbers of the pack under way, and at the end the means over all packs."""
        lanes = [len(log.seeds) for log in self._logs]
        alive = sum(numbers["alive"] for numbers in self._numbers)
        if self._current is not None:
            now = self._current.progress()
            to_come = len(self.trial.lanes) - sum(lanes) - len(self._current.trial.lanes)
            return {**now, "step": float(self.step), "alive": alive + now["alive"] + to_come}
        names = dict.fromkeys(chain.from_iterable(self._numbers))
        means = {name: _mean([numbers.get(name, math.nan) for numbers in self._numbers], lanes) for name in names}
        return {**means, "step": float(self.step), "alive": alive}

    def tables(self) -> TrialTables:
        """Return the tables of the finished trial."""
        return tabulate(_joined(self.trial, self._logs))

    def _begin(self) -> None:
        if self._waiting:
            self._current = trainer = self._waiting.pop(0)()
            shape = trainer.evaluator.real.points.shape[1:]
            trainer.snapshot_steps = snapshot_steps(trainer.evaluate_steps, len(self.trial.lanes), shape)


def _joined(trial: Trial, logs: Sequence[TrialLog]) -> TrialLog:
    """Return the logs of a trial's packs as that of the trial."""
    first, lanes = logs[0], [len(log.seeds) for log in logs]
    return replace(
        first,
        trial=trial.id,
        runs=trial.runs,
        seeds=_flat([log.seeds for log in logs]),
        last_steps=_flat([log.last_steps for log in logs]),
        diverged_at=_flat([log.diverged_at for log in logs]),
        history=History.side_by_side([log.history for log in logs]),
        layers=_layers(logs),
        snapshots=_snapshots(logs),
        ms_per_step=_mean([log.ms_per_step for log in logs], lanes),
        seconds=_mean([log.seconds for log in logs], lanes),
        facts={**first.facts, **facts_of(trial, None)},
        settings=None if first.settings is None else _flat([log.settings or () for log in logs]),
    )


def _layers(logs: Sequence[TrialLog]) -> dict[tuple[str, str], History]:
    """Return the layers' histories of all lanes; a pack that has none, because all of it diverged at once, has NaN."""
    found = {place: history for log in logs for place, history in log.layers.items()}
    return {
        place: History.side_by_side(
            [log.layers.get(place) or History(one.row, len(log.seeds), one.device) for log in logs]
        )
        for place, one in found.items()
    }


def _snapshots(logs: Sequence[TrialLog]) -> dict[int, Tensor]:
    """Return the snapshots of all lanes; a pack that ended before a step, because all of it diverged, has NaN there."""
    found = {step: samples[:1] for log in logs for step, samples in log.snapshots.items()}

    def samples_of(log: TrialLog, step: int) -> Tensor:
        if step in log.snapshots:
            return log.snapshots[step]
        return torch.full_like(found[step], math.nan).expand(len(log.seeds), *found[step].shape[1:])

    return {step: torch.cat([samples_of(log, step) for log in logs]) for step in sorted(found)}


def _flat(parts: Sequence[Sequence[T]]) -> list[T]:
    return list(chain.from_iterable(parts))


def _mean(values: Sequence[float], lanes: Sequence[int]) -> float:
    """Return the mean over lanes of what packs of so many have, without the packs that have none."""
    known = [(value, n) for value, n in zip(values, lanes, strict=True) if math.isfinite(value)]
    return sum(value * n for value, n in known) / sum(n for _, n in known) if known else math.nan
