"""When each metric is due."""

from __future__ import annotations

import numpy as np
import pytest

from ganbench.core.trial import Choice
from ganbench.training.history import measured_steps
from ganbench.training.trainer import Trainer
from tests.helpers.trials import small_trial


@pytest.mark.parametrize(
    ("evaluated", "every", "steps", "due"),
    [
        (range(10, 101, 10), 1, 100, range(10, 101, 10)),
        (range(10, 101, 10), 10, 100, range(10, 101, 10)),
        (range(10, 101, 10), 25, 100, [30, 50, 80, 100]),
        (range(7, 101, 7), 50, 100, [56, 98]),  # the last one is due, too
        (range(50, 4001, 50), None, 4000, range(500, 4001, 500)),
        (range(7, 601, 7), None, 600, [77, 154, 231, 301, 378, 455, 525, 595]),
        ([3], None, 3, [3]),
        ([2, 4], 100, 4, [4]),
    ],
)
def test_a_metric_is_due_where_a_multiple_is_reached_and_at_the_end(evaluated, every, steps, due):
    assert measured_steps(list(evaluated), every, steps) == set(due)


def test_a_rare_metric_is_null_in_between_and_else_as_it_would_be():
    often = {"modes": 1, "fid": 1}
    rare = {"modes": 1, "fid": 6}
    tables = []
    for metrics in (often, rare):
        chosen = tuple(Choice("metric", name, {"every": every}) for name, every in metrics.items())
        trainer = Trainer(small_trial(steps=10, log_every=10, evaluate_every=2, metrics=chosen))
        while not trainer.finished:
            trainer.advance(1.0)
        tables.append(trainer.tables())
    all_of, some = (t.history[t.history["step"] % 2 == 0] for t in tables)
    known = some["step"].isin([6, 10])
    np.testing.assert_array_equal(some.loc[known, "fid"], all_of.loc[known.to_numpy(), "fid"])
    assert some.loc[~known, "fid"].isna().all()
    np.testing.assert_array_equal(some["hq_fraction"], all_of["hq_fraction"])
    np.testing.assert_array_equal(tables[0].runs["fid"], tables[1].runs["fid"])
