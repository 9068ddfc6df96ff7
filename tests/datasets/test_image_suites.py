"""The suites of digits: nothing is skipped, enough seeds, within a quarter of an hour on two cores by the estimate."""

from __future__ import annotations

import pytest

from ganbench.suite.estimate import plan_seconds
from ganbench.suite.plan import make_plan
from ganbench.suite.schema import read_suite
from tests.helpers import ROOT

SUITES = ROOT / "suites"


@pytest.mark.parametrize("name", ["digits", "stacked_digits"])
def test_plans_within_its_time(name):
    plan = make_plan(read_suite(SUITES / f"{name}.yaml", []))
    assert not plan.skipped
    assert plan_seconds(plan, jobs=2) <= 15 * 60
    for trial in plan.trials:
        assert trial.dataset.name == name
        assert len(trial.seeds) >= 5
        assert {metric.name for metric in trial.metrics} >= {"fid", "modes"}
        assert "gradients" in {diagnostic.name for diagnostic in trial.diagnostics}
