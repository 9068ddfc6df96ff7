"""The part of the page about settings: its numbers are those of a count by hand, and a run of one setting says so."""

import pytest

import ganbench
from ganbench.analysis.ranking import ranking
from ganbench.analysis.verdicts import verdicts
from ganbench.report.over_settings import ONE_SETTING, over_settings
from ganbench.report.page import render
from ganbench.report.summary import AnalysedResults, summary
from tests.helpers.fake_results import fake_results
from tests.helpers.varied import VARIED

SHOWN = ONE_SETTING.replace("`vary`", "<code>vary</code>")
SUITE = {
    **VARIED,
    "evaluate": {"every": 10, "samples": 100},
    "vary": {
        "settings": 4,
        "space": {"optimizer.lr": {"log_uniform": [1e-4, 1e-2]}},
        "confirm": {"top": 1, "seeds": 2},
    },
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return ganbench.Suite("settings", **SUITE).run(tmp_path_factory.mktemp("vary"), executor="local").tables


def test_each_method_is_a_row_with_its_shares_counted_by_hand(results):
    (shown,) = over_settings(results, verdicts(results)).values()
    assert (shown.settings, shown.seeds, shown.budgets) == (4, 2, [1, 4])
    assert sorted(method.name for method in shown.methods) == ["hinge", "non_saturating"]
    verdict_of = dict(verdicts(results)[["run", "verdict"]].itertuples(index=False, name=None))
    runs = results.runs
    for method in shown.methods:
        mine = runs[(runs["loss"] == method.name) & (runs["stage"] == "vary")]
        healthy = [verdict_of[run] == "healthy" for run in mine["run"]]
        assert len(healthy) == 8
        assert method.healthy == f"{100 * sum(healthy) / 8:.0f} %"
        assert method.width[0] <= method.width[1] <= method.width[2]
        confirmed = runs[(runs["loss"] == method.name) & (runs["stage"] == "confirm")]
        mean = confirmed["modes_captured"].mean()
        assert float(method.tuned.split(" ")[0].rstrip(",")) == pytest.approx(mean, abs=0.006)


def test_the_page_and_the_summary_answer_over_settings(results):
    page = render(results)
    assert SHOWN not in page and "Over 4 settings" in page
    assert summary(AnalysedResults(results))["datasets"][0]["headline"].startswith("On ring: Over 4 settings")
    names = ranking(results)[["loss", "tricks", "schedule"]].itertuples(index=False, name=None)
    assert len(set(names)) == 4  # a method's sweep and its tuned setting have names of their own


def test_a_run_of_one_setting_says_so():
    results = fake_results(trials=2, seeds=2, datasets=("ring",))
    assert over_settings(results, verdicts(results)) == {}
    assert SHOWN in render(results)


def test_of_several_data_sets_those_of_one_setting_are_named(tmp_path):
    one = {name: SUITE[name] for name in ("networks", "losses")}
    rest = {name: value for name, value in SUITE.items() if name not in (*one, "datasets", "vary")}
    blocks = [{"datasets": ["ring"], "vary": SUITE["vary"], **one}, {"datasets": ["grid"], **one}]
    run = ganbench.Suite("both", **rest, include=blocks).run(tmp_path, executor="local").tables
    assert f"On grid: {SHOWN}" in render(run)
