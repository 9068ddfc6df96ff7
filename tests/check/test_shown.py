"""What people read of a comparison: short names, a reason once, and every number that was there."""

from __future__ import annotations

import math

from ganbench.analysis.comparison_results import Comparison
from ganbench.analysis.comparison_rows import Outcome, Row
from ganbench.analysis.comparison_rules import Rules
from ganbench.check.differences import Difference
from ganbench.check.shown import shown
from tests.helpers.stand_in import stand_in

RING = "ring(radius=2.0) · mlp · {} · adam(lr=0.002, betas=(0.5, 0.9)) · default"
METHODS = ("hinge · none", "hinge · r1(gamma=0.1)", "minimax · none", "minimax · r1(gamma=0.1)")


def rows(*methods, outcome=Outcome.UNDERPOWERED, reason="4 and 4 runs reach p 0.014 at best"):
    numbers = {"baseline": 8.0, "now": 7.5, "n_baseline": 4, "n_now": 4, "effect": -0.4, "margin": math.nan}
    return [
        stand_in(Row, name=RING.format(method), metric="fid", outcome=outcome, reason=reason, **numbers)
        for method in methods
    ]


def told(table, differs=()):
    return shown(Comparison(tuple(table), Rules()), differs, everything=True)


def test_what_all_trials_share_is_said_once():
    found = told(rows(*METHODS))
    assert found.common == "ring(radius=2.0) · mlp · adam(lr=0.002, betas=(0.5, 0.9)) · default"
    assert [row[1] for row in found.cells] == list(METHODS)
    assert {tuple(row[2:7]) for row in found.cells} == {("fid", "8", "7.5", "4/4", "-0.40")}


def test_a_part_that_occurs_twice_is_left_out_once():
    """`none` stands for no tricks and for the network here: one of them is common, the other is not."""
    names = ["ring · none · hinge · none", "ring · none · hinge · r1"]
    table = [stand_in(Row, **{**vars(row), "name": name}) for row, name in zip(rows(*METHODS), names, strict=False)]
    found = told(table)
    assert found.common == "ring · none · hinge"
    assert [row[1] for row in found.cells] == ["none", "r1"]


def test_one_trial_keeps_its_name():
    found = told(rows(METHODS[0]))
    assert (found.common, found.cells[0][1]) == ("", RING.format(METHODS[0]))


def test_a_reason_that_many_rows_have_is_said_once_and_one_of_few_stays():
    few = rows(*METHODS[:3], outcome=Outcome.WORSE, reason="p 0.001")
    found = told([*few, *rows(*METHODS)])
    assert found.reasons == ["4 underpowered: 4 and 4 runs reach p 0.014 at best"]
    assert [row[-1] for row in found.cells] == ["p 0.001"] * 3 + [""] * 4


def test_many_trials_with_other_settings_are_one_line_and_few_are_named():
    changed = [Difference("trials", RING.format(one), "other settings", "other settings") for one in METHODS]
    gone = Difference("trials", RING.format("hinge · packing"), "there", "none")
    steps = Difference("suite", "steps", "600", "200")
    found = told(rows(*METHODS), [steps, *changed, gone])
    assert found.differs == [
        steps,
        Difference("trials", "4 of them", "other settings", "other settings"),
        Difference("trials", "hinge · packing", "there", "none"),
    ]
    assert [one.name for one in told(rows(*METHODS), changed[:3]).differs] == list(METHODS[:3])
