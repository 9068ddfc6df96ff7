"""Bugs planted in a loop on images are named by a sentence that leads to the line; healthy loops hear nothing."""

from __future__ import annotations

import pytest

from tests.clients.bugs import BUGS, HEALTHY, case_of
from tests.clients.digits_loop import STEPS
from tests.clients.hearing import hear, named

EARLY = 140  # steps, in which all but three of the bugs are named
LATE = ("G's rate decayed to nothing", "D stops stepping after 100 steps")
SAMPLE = (
    "sigmoid twice",
    "labels swapped in D's loss",
    "real in [0, 1], G ends in tanh",
    "D's gradients never cleared",
)
SLOW = pytest.mark.verify


def sampled(planted):
    """Return a case; all but a few are of `make verify`."""
    return pytest.param(planted, id=planted.name, marks=() if planted.name in SAMPLE else SLOW)


@pytest.mark.parametrize("planted", [sampled(one) for one in BUGS])
def test_a_bug_is_named(planted):
    lines = hear(case_of(planted), seed=5, steps=STEPS if planted.name in LATE else EARLY)
    assert named(planted.says, lines) is not None, lines


@pytest.mark.parametrize("planted", [pytest.param(HEALTHY[0], id=HEALTHY[0].name)])
def test_a_healthy_loop_hears_nothing_early(planted):
    assert hear(case_of(planted), seed=5, steps=EARLY) == []


@pytest.mark.verify
@pytest.mark.parametrize("planted", HEALTHY, ids=lambda planted: planted.name)
def test_a_healthy_loop_hears_nothing(planted):
    assert hear(case_of(planted), seed=5, steps=STEPS) == []
