"""Every planted failure gets its verdict.

The committed table is `results/baselines/verdicts.md`, with the command that makes it; it must be of the rules as they
are. `make verify` trains the scenarios once more, on other seeds. Were 98 % of verdicts right in truth, fewer than 95 %
of 500 would be in one run of 70,000; were one healthy run in 200 called a failure, more than 2 % of 256 would be in one
of 500.
"""

import json

import pytest

from ganbench.analysis.verdict_confusion import FALSE_ALARMS, RIGHT, rules_print
from ganbench.check.planted import Request, as_text, plan_of, planted_in, run
from ganbench.cli.verify_verdicts_command import SUITES
from ganbench.core.registry import find
from ganbench.diagnostics import Diagnostic
from ganbench.suite.plan import make_plan
from ganbench.suite.schema import read_suite
from tests.helpers import ROOT

PATHS = tuple(ROOT / suite for suite in SUITES)
TABLE = ROOT / "results/baselines/verdicts.json"
READ = {"grad_norm_g", "grad_norm_d", "grad_push_g", "grad_push_d", "loss_slope_share", "critic_rise", "d_advantage"}
READ |= {"overfit_ratio", "auc_gap", "update_ratio_d"}


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def suite(request):
    return request.param


def test_every_scenario_has_its_verdict_and_everything_that_rules_read(suite):
    plan, planted = make_plan(read_suite(suite)), planted_in(suite)
    assert not plan.skipped
    assert len(plan.trials) == len(planted)
    for trial in plan.trials:
        assert READ <= {c.name for choice in trial.diagnostics for c in find(Diagnostic, choice.name).columns}
        assert {"modes", "position"} <= {choice.name for choice in trial.metrics}
        assert trial.steps // trial.evaluate_every >= 40


def test_the_seeds_are_those_that_were_asked_for(suite):
    request = Request((suite,), seeds=16, factor=4, first_seed=2000)
    for trial, planted in zip(plan_of(suite, request).trials, planted_in(suite), strict=True):
        count = 64 if planted.verdict == "healthy" else 16
        assert trial.seeds == tuple(range(2000, 2000 + count)), planted.scenario


def test_the_committed_table_holds_for_the_rules_and_scenarios_as_they_are():
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    assert table["rules"] == rules_print(), "rules have changed; make the table again"
    assert table["first_seed"] >= 2000
    lines = table["scenarios"]
    planted = [one for path in PATHS for one in planted_in(path)]
    assert [(line["scenario"], line["verdict"], line["cause"]) for line in lines] == planted
    assert all(line["runs"] == sum(line["got"].values()) >= 16 for line in lines)
    runs, right = sum(line["runs"] for line in lines), sum(line["right"] for line in lines)
    assert (runs, right) == (table["runs"], table["right"])
    assert right >= RIGHT * runs
    healthy = [line for line in lines if line["verdict"] == "healthy"]
    assert sum(line["runs"] for line in healthy) == table["healthy"] == 64 * len(healthy) >= 192
    assert table["alarms"] <= FALSE_ALARMS * table["healthy"]


@pytest.mark.verify
def test_planted_failures_are_recognised(tmp_path):
    request = Request(PATHS, seeds=16, factor=4, first_seed=3000)
    table, code = run(request, tmp_path, "local", None)
    assert table is not None, code
    print(as_text(table, request))
    assert table.holds
