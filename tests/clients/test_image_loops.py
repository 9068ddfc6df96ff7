"""Bugs as strangers make them in a DCGAN are named by a sentence that leads to the line; healthy loops hear nothing."""

from __future__ import annotations

import pytest

from tests.clients.hearing import hear, named
from tests.clients.image_bugs import BUGS, case_of
from tests.clients.image_loops import HEALTHY, STEPS, HalvesApart, Undetached

SOON = 30  # steps, in which the bugs below are named
QUICK = (
    "SwappedOptimizers", "ClearedBeforeStep", "ClearedBetweenHalves", "OneBackwardForBoth", "RealAlone", "ClampedFakes",
    "HeldoutUnscaled", "FewLatents",
)  # fmt: skip


@pytest.mark.parametrize("kind", [kind for kind in BUGS if kind.__name__ in QUICK], ids=lambda kind: kind.__name__)
def test_a_bug_is_named_within_thirty_steps(kind):
    case = case_of(kind)
    lines = hear(case, seed=5, steps=SOON)
    assert named(case.says, lines) is not None, lines


@pytest.mark.verify
@pytest.mark.parametrize("kind", [kind for kind in BUGS if kind.__name__ not in QUICK], ids=lambda kind: kind.__name__)
def test_a_bug_is_named(kind):
    case = case_of(kind)
    lines = hear(case, seed=5, steps=STEPS)
    assert named(case.says, lines) is not None, lines


@pytest.mark.parametrize("kind", (HalvesApart, Undetached), ids=lambda kind: kind.__name__)
def test_a_healthy_loop_hears_nothing_early(kind):
    assert hear(case_of(kind), seed=5, steps=SOON) == []


@pytest.mark.verify
@pytest.mark.parametrize("kind", HEALTHY, ids=lambda kind: kind.__name__)
def test_a_healthy_loop_hears_nothing(kind):
    assert hear(case_of(kind), seed=5, steps=STEPS) == []
