"""Every planted failure gets its verdict.

A fresh run of the suite, on its sixteen seeds a scenario: of all verdicts 95 % are right, and of the runs of healthy
scenarios none is called a failure more often than one in eight. Were the true rate .98, fewer than 95 % of 192 would
be right in 0.6 % of tries.
"""

import csv
from pathlib import Path

import pytest

from ganbench.analysis.verdicts import verdicts
from ganbench.core.registry import find
from ganbench.sweep.plan import make_plan
from ganbench.sweep.suite import read_suite
from ganbench.tables.store import load

ROOT = Path(__file__).parents[2]


@pytest.fixture
def expected():
    with (ROOT / "suites/planted_failures.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.fixture
def plan():
    return make_plan(read_suite(ROOT / "suites/planted_failures.yaml"))


def test_every_scenario_has_its_verdict_and_every_diagnostic_that_rules_read(plan, expected):
    assert not plan.skipped
    assert [trial.steps for trial in plan.trials] == [int(row["steps"]) for row in expected]
    for trial in plan.trials:
        read = {c.name for choice in trial.diagnostics for c in find("diagnostic", choice.name).columns}
        assert {"grad_norm_g", "loss_slope", "critic_slope_fake", "overfit_ratio", "auc_gap", "d_loss_excess"} <= read
        assert {"modes", "position"} <= {choice.name for choice in trial.metrics}
        assert trial.steps // trial.evaluate_every >= 40


@pytest.mark.verify
def test_planted_failures_are_recognised(plan, expected, tmp_path):
    from ganbench.sweep.run import run_plan

    found = verdicts(load(run_plan(plan, tmp_path, executor="local")))
    right = 0
    for trial, row in zip(plan.trials, expected, strict=True):
        own = found[found["trial"] == trial.key[:12]]
        assert len(own) == len(trial.seeds)
        hits = own["verdict"] == row["verdict"]
        if row["cause"]:
            hits &= own["cause"] == row["cause"]
        right += int(hits.sum())
        print(f"{row['scenario']:32} {row['verdict']:24} {hits.sum()}/{len(own)}", dict(own["verdict"].value_counts()))
        if row["verdict"] == "healthy":
            assert hits.mean() >= 7 / 8, row["scenario"]
    assert right >= 0.95 * len(found)
