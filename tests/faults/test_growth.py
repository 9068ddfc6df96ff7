"""Many runs in one process: what counts as growth, and that a leak is seen."""

import json
import sys

import pytest

from tests.faults.growth import COUNTS, FIRST, grown
from tests.helpers import warm

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads what Linux says of processes")
MEASURE = """
import json, sys
from tests.faults.growth import rounds
print(json.dumps(list(rounds("local", int(sys.argv[1]), int(sys.argv[2])))))
"""
MOST = 0.1  # MiB a round


def measured(number, leak):
    child = warm.run(MEASURE, number, leak)
    child.check_returncode()
    return json.loads(child.stdout.splitlines()[-1])


def rows(memory, **counts):
    return [{"round": i, **dict.fromkeys(COUNTS, 5), "memory": m, **{n: v[i] for n, v in counts.items()}}
            for i, m in enumerate(memory)]  # fmt: skip


def test_growth_is_what_goes_on_after_the_first_rounds():
    counts, (slope, low, high) = grown(rows([100, 150, 160, 160, 160, 160]), 2)
    assert not counts and slope == low == high == 0
    counts, (slope, low, _) = grown(rows([100, 101, 102, 103, 104, 105], files=[5, 6, 7, 8, 9, 10]), 1)
    assert counts == {"files": (6, 10)} and slope == 1 and low > MOST


@pytest.mark.verify
def test_many_runs_do_not_grow_a_process():
    counts, (_, _, high) = grown(measured(30, 0), FIRST["local"])
    assert not counts and high < MOST


@pytest.mark.verify
def test_a_planted_leak_is_seen():
    counts, (_, low, _) = grown(measured(16, 300_000), 6)
    assert set(counts) == {"files"} and low > MOST
