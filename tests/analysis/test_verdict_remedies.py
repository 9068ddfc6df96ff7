"""What a trial is told to try: nothing that it has, nothing that it cannot lessen, and never nothing at all."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

import pytest

from ganbench.analysis import verdict_remedies
from ganbench.analysis.verdict_remedies import Remedy, used_by
from ganbench.analysis.verdict_rules import RULES
from ganbench.analysis.verdicts import verdict_of
from ganbench.core import registry
from tests.analysis.verdict_cases import CASES
from tests.analysis.verdict_runs import circle, run

REMEDIES = {name: value for name, value in vars(verdict_remedies).items() if isinstance(value, Remedy)}
NAMES = sorted({name for remedy in REMEDIES.values() for one in remedy.proposals for name in one.components})
LESS = {"label_flipping", "instance_noise", "weight_clipping", "head_start"}


def told(tricks="none", loss="non_saturating", schedule="default", **changes):
    row, history = run(**changes)
    return verdict_of(history, row | {"tricks": tricks, "loss": loss, "schedule": schedule})


def test_proposals_name_components_that_there_are():
    known = {name for kind in registry.PACKAGES for name in registry.components(kind)}
    assert {*NAMES} <= known
    for remedy in REMEDIES.values():
        for one in remedy.proposals:
            bare = re.sub(r"\{\w+\}", "", one.template).replace("loss_slope", "").replace("critic_slope", "")
            assert not {word for word in re.findall(r"\w+_\w+|r1|r2", bare)} & known, "write it in braces"
    assert {id(rule.remedy) for rule in RULES} <= {id(remedy) for remedy in REMEDIES.values()}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", NAMES)
def test_nothing_that_the_trial_has_is_proposed(case, name):
    kind = "loss" if name in registry.components("loss") else "tricks"
    label = registry.find("loss" if kind == "loss" else "trick", name)().label
    verdict = told(**{kind: label}, **CASES[case][0])
    assert name not in verdict.components, verdict.remedy
    assert verdict.remedy or verdict.verdict in ("unclear",)


def test_a_trial_with_everything_is_still_told_something():
    everything = frozenset(NAMES) | {"ema"}
    assert all(remedy.chosen(everything) for remedy in REMEDIES.values())


def test_what_a_trial_lacks_is_not_lessened():
    flipped = {**circle(1.0), "d_advantage": 0.05, "modes_captured": 0.0}
    assert "flip fewer labels" in told("label_flipping(p=0.5)", **flipped).remedy
    assert "flip" not in told(**flipped).remedy
    swings = {**circle(0.2), "modes_captured": 5.0}
    assert "training.ema" in told(**swings).remedy
    assert "training.ema" not in told(schedule="ema=0.999", **swings).remedy


def test_labels_are_read_to_the_last_bracket():
    facts: dict[Hashable, Any] = {
        "loss": "hinge",
        "tricks": "r1(gamma=0.1)+unrolled(steps=(1, 2))",
        "schedule": "simultaneous, n_critic=5",
    }
    assert used_by(facts) == {"hinge", "r1", "unrolled", "simultaneous", "n_critic"}
    assert used_by({}) == used_by({"tricks": "none", "loss": None}) == frozenset()
