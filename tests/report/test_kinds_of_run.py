"""Pages of a search, of a monitored run and of a cure show what each kind is for, from counts by hand."""

from __future__ import annotations

import dataclasses
import math
import re

import numpy as np
import pandas as pd
import pytest

from ganbench.core.column import Column
from ganbench.report import sections
from ganbench.report.monitored import terms_chart
from ganbench.report.page import render
from ganbench.report.searched import objective_of
from ganbench.report.seed_groups import joined
from tests.helpers.fake_results import fake_results
from tests.helpers.kinds_of_run import RATES, searched, watched


@pytest.fixture(scope="module")
def search():
    return searched()


def test_a_search_is_ranked_by_its_objective_and_says_which_number_matters(search):
    found = sections.page(search).sections[0].searched
    assert found is not None
    values = sorted(1 + math.log10(rate / 1e-3) ** 2 for rate in RATES)
    assert [float(one.value) for one in found.tried] == pytest.approx(values, abs=0.006)
    assert found.importance[0].name == "optimizer.lr"
    assert found.importance[0].share > 60 > 10 > found.importance[-1].share
    assert found.parallel.count('class="method') == 6  # a third of sixteen, rounded up
    assert [svg.count("<circle") for _, svg in found.scatters] == [16, 16]


def test_the_page_of_a_search_has_its_parts_and_no_forest(search):
    html = render(search)
    for head in ("Which numbers matter", "All trials through their numbers", "Trials by the objective"):
        assert head in html
    assert "the best of 16 trials has FID" in html
    assert 'class="forests"' not in html


def test_the_direction_of_the_objective_is_the_suites(search):
    metrics = {"fid": search.columns["fid"]}
    assert objective_of("losses: [hinge]", metrics) is None
    assert objective_of("search: {metric: recall}", metrics) is None
    for mode, first in (("min", 1), ("max", 3)):
        objective = objective_of(f"search: {{metric: fid, mode: {mode}}}", metrics)
        assert objective is not None
        rows = [{"trial": str(i), "rank": 9, "fid_mean": value} for i, value in enumerate((2.0, 1.0, math.nan, 3.0))]
        ordered = objective.order(rows)
        assert (ordered[0]["trial"], ordered[0]["rank"]) == (str(first), 1)
        assert (ordered[-1]["trial"], ordered[-1]["rank"]) == ("2", None)


def test_a_monitored_run_shows_its_findings_first_and_claims_nothing_of_other_seeds():
    html = render(watched())
    assert "the labels &lt;of&gt; D are swapped" in html
    assert html.index("What is wrong with the loop") < html.index("What happened")
    assert "in every seed" not in html and "Each method was trained" not in html
    assert 'class="ranking"' not in html and 'id="skipped"' not in html
    assert not re.search(r"in 1 of 1 run", html)


def test_one_run_of_a_suite_claims_no_other_seed_either():
    results = fake_results(trials=2, seeds=1)
    runs = results.runs.assign(status="OK")
    runs["modes_captured"] = [8.0, 1.0]
    assert "in every seed" not in sections.page(dataclasses.replace(results, runs=runs)).sections[0].sentence


def test_terms_are_drawn_from_their_shares():
    shares = {"step": [10, 20], "term_share_adv": [0.25, 0.75], "term_share_size": [0.75, 0.25]}
    history = pd.DataFrame({"run": ["a", "a"], **shares})
    svg = terms_chart(history)
    assert "adv: from 0.25 to 0.75" in svg and "size: from 0.75 to 0.25" in svg
    assert terms_chart(history.drop(columns="term_share_adv")) == ""  # one term alone is all of it


def test_trials_that_differ_in_seeds_alone_are_one_row():
    results = fake_results(trials=4, seeds=2)
    first, second, third, _ = dict.fromkeys(results.runs["trial"])
    runs = results.runs.assign(status="OK")
    same = runs["trial"].isin([first, second, third]).to_numpy()
    runs.loc[same, ["loss", "tricks"]] = "hinge", "none"
    runs.loc[runs["trial"] == second, "seed"] += 2  # 2 and 3; the third trial has seeds of the first
    one = joined(dataclasses.replace(results, runs=runs))
    mine = one.runs[one.runs["trial"] == first]
    assert sorted(mine["seed"]) == [0, 1, 2, 3]
    assert second not in set(one.runs["trial"]) | set(one.history["trial"])
    assert third in set(one.runs["trial"])
    assert len(one.runs) == len(results.runs) and len(one.history) == len(results.history)
    assert one.samples[first]["samples"].shape[1] == 4
    values = results.samples[second]["samples"]
    np.testing.assert_array_equal(one.samples[first]["samples"][:, 2:], values)


def test_results_without_such_trials_stay_as_they_are():
    results = fake_results(trials=3, seeds=2)
    assert joined(results) is results


def test_evidence_and_constants_begin_hidden_behind_the_chooser():
    results = fake_results(trials=4, seeds=2)
    position = Column("position_1", "where the samples lie along an axis")
    runs = results.runs.assign(position_1=0.5, position_1_floor=0.0)
    changed = dataclasses.replace(results, runs=runs, columns={**results.columns, "position_1": position})
    table = sections.page(changed).sections[0].table
    extra = {head.name for head in table.heads if head.extra}
    assert "position_1" in extra and "fid" not in extra
    html = render(changed)
    assert re.search(r"<th [^>]*hidden data-extra>position", html.replace("\n", ""))
