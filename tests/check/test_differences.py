"""What differs between two sides is said before any number: suites, trials, seeds, versions, machines."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from ganbench.check.differences import Difference, Side, differences
from ganbench.tables.manifest import RunManifest

SUITE = """\
name: one
description: words
losses: [hinge]
optimizers: [{adam: {lr: 0.001, betas: [0.5, 0.9]}}]
steps: 600
seeds: [0, 1, 2]
"""


def side(suite=SUITE, trials=None, **fields):
    about = {"environment": {"torch": "2.0", "cpu": "A"}, "components": {"loss:hinge": 1}, "seeds": [0, 1, 2]}
    return Side(
        RunManifest.model_validate({**about, **fields}), suite, {"k1": "ring · hinge"} if trials is None else trials
    )


def test_equal_sides_differ_in_nothing_and_words_do_not_count():
    assert differences(side(), side()) == []
    assert differences(side(), side(SUITE.replace("words", "other words").replace("name: one", "name: two"))) == []


def test_everything_that_changed_is_named_with_both_values():
    changed = SUITE.replace("600", "200").replace("0.001", "0.004") + "batch: 32\n"
    now = side(
        changed,
        {"k2": "ring · hinge", "k3": "grid · hinge"},
        environment={"torch": "2.1", "cpu": "A"},
        components={"loss:hinge": 2, "trick:r1": 1},
        seeds=[0, 1, 2, 3, 7],
    )
    assert differences(side(), now) == [
        Difference("suite", "optimizers.0.adam.lr", "0.001", "0.004"),
        Difference("suite", "steps", "600", "200"),
        Difference("suite", "batch", "none", "32"),
        Difference("trials", "ring · hinge", "other settings", "other settings"),
        Difference("trials", "grid · hinge", "none", "there"),
        Difference("seeds", "", "0–2", "0–3, 7"),
        Difference("component", "loss:hinge", "version 1", "version 2"),
        Difference("component", "trick:r1", "none", "version 1"),
        Difference("environment", "torch", "2.0", "2.1"),
    ]


def test_a_text_that_is_no_suite_is_no_error():
    laughs = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in pairwise("abcdefghi")
    )
    itself, deep, digits = "a: &a [*a]", "a: " + "[" * 5000 + "]" * 5000, "a: 0x" + "f" * 5000
    for text in ("", "a: [", "- 1", "a: 2000-99-99", "{[1]: 2}", laughs, itself, deep, digits, "a: b\n" * 300_000):
        assert all(one.kind == "suite" for one in differences(side(text), side()))


def test_compiled_steps_are_said():
    eager = side()
    assert differences(eager, replace(side(), compiled=1)) == [
        Difference("environment", "compiled steps", "none", "all trials")
    ]
    two = side(trials={"k1": "ring · hinge", "k2": "grid · hinge"})
    (said,) = differences(two, replace(two, compiled=1))
    assert said.now == "1 of 2 trials"
