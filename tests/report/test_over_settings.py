"""The part of the page about settings: its numbers are those of a count by hand, and a run of one setting says so."""

import dataclasses
import re

import numpy as np
import pytest

import ganbench
from ganbench.analysis.ranking import ranking
from ganbench.analysis.tuned import tuned_pairs
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


def changed(results, where, **values):
    """Return the results with other values in these runs."""
    runs = results.runs.copy()
    for name, value in values.items():
        runs.loc[where, name] = value
    return dataclasses.replace(results, runs=runs)


def without_metrics(results, where, **values):
    names = {name.removesuffix("_floor") for name in results.runs if name.endswith("_floor")}
    lacking = {f"{name}{end}": float("nan") for name in names for end in ("", "_floor")}
    return changed(results, where, **lacking, **values)


def test_a_setting_that_failed_for_one_method_is_on_its_map(results):
    lost = (results.runs["loss"] == "hinge") & (results.runs["setting"] == 2) & (results.runs["stage"] == "vary")
    made = without_metrics(results, lost, status="FAILED", error="no room")
    rate = float(results.runs.loc[lost, "optimizer.lr"].iloc[0])
    titles = re.findall("<title>(.*?)</title>", render(made))
    assert sum("setting 2: 2 of 2 failed; optimizer.lr 0.00" in title for title in titles) == 1, (rate, titles)
    assert sum(title.startswith("setting ") for title in titles) == 8


def test_a_method_that_lacks_the_metric_has_no_value_and_the_others_keep_theirs(results):
    made = without_metrics(results, results.runs["loss"] == "hinge")
    (shown,) = over_settings(made, verdicts(made)).values()
    (whole,) = over_settings(results, verdicts(results)).values()
    of, before = ({method.name: method for method in one.methods} for one in (shown, whole))
    assert of["hinge"].best == ["–", "–"] and of["hinge"].needed == "–"
    assert of["non_saturating"].best == before["non_saturating"].best
    pairs = tuned_pairs(made, "modes_captured")
    assert (pairs["runs"].tolist(), np.isnan(pairs["p"]).tolist()) == ([0], [True])
    assert "Over 4 settings" in render(made)


def test_a_metric_that_is_the_same_at_all_settings_is_not_explained_by_any_number(tmp_path):
    eight = {**SUITE, "vary": {"settings": 8, "space": SUITE["vary"]["space"]}, "steps": 20}
    results = ganbench.Suite("same", **eight).run(tmp_path, executor="local").tables
    made = changed(results, results.runs.index == results.runs.index, modes_captured=3.0)
    shown = render(made)
    assert "modes_captured is the same at all settings, whatever these are" in shown
    assert "of the variance" not in shown


def test_diverged_seeds_are_on_the_page_as_the_worst(results):
    swept = results.runs["stage"] == "vary"
    nothing = {name: float("nan") for name in ("modes_captured", "hq_fraction", "fid") if name in results.runs}
    for where in (swept, ~swept, swept | ~swept, swept & (results.runs["loss"] == "hinge")):
        made = changed(results, where, **nothing, status="DIVERGED", diverged_at=7)
        (shown,) = over_settings(made, verdicts(made)).values()
        assert len(shown.methods) == 2
        assert "Over 4 settings" in render(made)


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
