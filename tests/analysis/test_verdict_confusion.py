"""The table of planted and found verdicts, on counts that are made up."""

from __future__ import annotations

import pandas as pd
import pytest
from scipy import stats

from ganbench.analysis import verdict_confusion
from ganbench.analysis.verdict_confusion import Planted, confusion, rules_print
from ganbench.analysis.verdict_rules import THRESHOLDS, Threshold

COLUMNS = ["trial", "verdict", "cause"]


def table(*runs):
    return pd.DataFrame(runs, columns=COLUMNS).astype("string")


def found(healthy=200, called="oscillation", alarms=0, right=50, wrong=0):
    rows = [("a", "healthy", "")] * (healthy - alarms) + [("a", called, "")] * alarms
    rows += [("b", "total collapse", "")] * right + [("b", "partial collapse", "")] * wrong
    return confusion(table(*rows), ["a", "b"], [Planted("fine", "healthy"), Planted("bad", "total collapse")])


def test_counts_and_exact_intervals():
    got = found(alarms=3, wrong=7)
    fine, bad = got.lines
    assert (fine.runs, fine.right, fine.got) == (200, 197, {"healthy": 197, "oscillation": 3})
    assert (bad.runs, bad.right, bad.got) == (57, 50, {"total collapse": 50, "partial collapse": 7})
    assert (bad.low, bad.high) == pytest.approx(stats.binomtest(50, 57).proportion_ci(method="exact"))
    assert (got.runs, got.right, got.healthy, got.alarms) == (257, 247, 200, 3)


@pytest.mark.parametrize(
    ("counts", "holds"),
    [
        ({}, True),
        ({"alarms": 4}, True),  # 2 % of 200
        ({"alarms": 5}, False),
        ({"alarms": 5, "called": "unclear"}, True),  # not right, and no failure either
        ({"alarms": 5, "called": "low quality"}, False),
        ({"right": 50, "wrong": 13}, True),  # 250 of 263 are 95.06 %
        ({"right": 50, "wrong": 14}, False),  # 250 of 264 are 94.7 %
    ],
)
def test_the_two_limits(counts, holds):
    assert found(**counts).holds is holds


def test_no_runs_hold_nothing():
    assert not confusion(table(), [], []).holds


def test_a_cause_counts_where_it_is_asked_for():
    runs = table(("a", "vanishing gradient", "the critic is flat"), ("a", "vanishing gradient", ""))
    (line,) = confusion(runs, ["a"], [Planted("x", "vanishing gradient", "the critic is flat")]).lines
    assert line.right == 1
    assert line.got == {"vanishing gradient, the critic is flat": 1, "vanishing gradient": 1}
    assert confusion(runs, ["a"], [Planted("x", "vanishing gradient")]).right == 2


def test_a_verdict_that_must_not_be():
    runs = table(*(("a", verdict, "") for verdict in ("vanishing gradient", "under-trained", "failed")))
    assert confusion(runs, ["a"], [Planted("x", "not vanishing gradient")]).right == 1


def test_the_print_of_the_rules_changes_with_a_threshold(monkeypatch):
    before = rules_print()
    assert before == rules_print()
    monkeypatch.setattr(verdict_confusion, "THRESHOLDS", {**THRESHOLDS, "hops": Threshold(0.3, "x")})
    assert rules_print() != before
