"""Which evaluations' samples are kept: all where they are small, and eight in any case."""

from __future__ import annotations

import pytest

from ganbench.training.history import SNAPSHOT_POINTS, SNAPSHOT_ROOM, snapshot_steps
from tests.engine import Trainer
from tests.helpers.trials import small_trial

EVALUATED = list(range(50, 4001, 50))  # 80, as by default


@pytest.mark.parametrize(
    ("seeds", "shape", "kept"),
    [
        (4, (2,), 80),
        (8, (2,), 48),
        (16, (2,), 24),
        (64, (2,), 8),
        (8, (1, 8, 8), 8),
        (1, (1, 8, 8), 48),
        (1, (3, 64, 64), 8),
    ],
)
def test_as_many_as_have_room_and_at_least_eight_with_the_first_and_the_last(seeds, shape, kept):
    steps = snapshot_steps(EVALUATED, seeds, shape)
    assert len(steps) == kept and set(steps) <= set(EVALUATED)
    assert (steps[0], steps[-1]) == (50, 4000)
    gaps = [after - before for before, after in zip(steps, steps[1:], strict=False)]
    assert max(gaps) - min(gaps) <= 50  # evenly, up to one evaluation


def test_few_evaluations_are_all_kept():
    assert snapshot_steps([100, 200, 300], 64, (3, 64, 64)) == [100, 200, 300]


def test_a_trial_keeps_them():
    trial = small_trial(seeds=(0, 1), steps=40, evaluate_every=2, samples=300)
    trainer = Trainer(trial)
    while not trainer.finished:
        trainer.advance(1.0)
    tables = trainer.tables()
    assert tables.samples["steps"].tolist() == list(range(2, 41, 2))
    assert tables.samples["samples"].shape == (20, 2, SNAPSHOT_POINTS, 2)
    assert tables.samples["samples"].size <= SNAPSHOT_ROOM
