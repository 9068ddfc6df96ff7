"""Runs in this process that show what they show to a string, and what makes two of them equal."""

from __future__ import annotations

import io

import pandas as pd

from tests.engine import Progress, run_plan


def timeless(frame: pd.DataFrame, columns) -> pd.DataFrame:
    """Return a table without what a clock measured."""
    return frame.drop(columns=[name for name in frame if name in columns and columns[name].timing])


def assert_equal_results(one, other):
    for name in ("runs", "history", "layers"):
        left, right = (timeless(getattr(results, name), results.columns) for results in (one, other))
        assert len(left.columns) > 5
        pd.testing.assert_frame_equal(left, right, check_exact=True)


def quiet(plan):
    return Progress({trial.key: trial.name for trial in plan.trials}, io.StringIO())


def run_local(plan, results, **options):
    screen = io.StringIO()
    progress = Progress({trial.key: trial.name for trial in plan.trials}, screen)
    outcome = run_plan(plan, results, executor="local", progress=progress, **options)
    return outcome, screen.getvalue().splitlines()
