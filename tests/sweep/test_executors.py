"""The table of executors: it is all that the options, the Python interface and the run know of one."""

from __future__ import annotations

from typing import get_args

import click
import pytest

from ganbench.cli.options import require_address
from ganbench.core.errors import UsageError
from ganbench.sweep.executors import EXECUTORS, Executor, ExecutorName, local
from ganbench.sweep.plan_jobs import require_executor
from ganbench.sweep.run import run_plan
from tests.helpers.small_suite import TEXT, small_plan

SEARCH = "search: {trials: 2, metric: fid, searcher: optuna, space: {optimizer.lr: {log_uniform: [1e-4, 1e-2]}}}\n"


def test_type_checkers_know_the_names_in_the_table():
    assert set(get_args(ExecutorName)) == set(EXECUTORS)


@pytest.fixture
def trained(monkeypatch):
    """Add an executor `mine`, that trains and can do nothing else; return the keys of the jobs that it was given."""
    keys: list[str] = []

    def train(source, progress, interrupts, *, jobs, address):
        keys.extend(job.key for job in source.known())
        local.train(source, progress, interrupts)

    monkeypatch.setitem(EXECUTORS, "mine", Executor("in a way of mine", train))
    return keys


def test_an_executor_is_a_line_in_the_table(trained, tmp_path):
    plan = small_plan(tmp_path, "losses=[hinge]", "tricks=[none]")
    outcome = run_plan(plan, tmp_path / "results", executor="mine", quiet=True)  # type: ignore[arg-type]
    assert (outcome.exit_code, outcome.trained) == (0, 1)
    assert trained == [plan.trials[0].key]


def test_what_an_executor_cannot_do_is_refused(trained, tmp_path):
    plan = small_plan(tmp_path, text=TEXT + SEARCH)
    require_executor(plan, "ray")
    with pytest.raises(UsageError, match="leave `--executor mine` out"):
        require_executor(plan, "mine")  # type: ignore[arg-type]
    require_address("ray", "host:1")
    with pytest.raises(click.UsageError, match="leave it out with --executor mine"):
        require_address("mine", "host:1")  # type: ignore[arg-type]
