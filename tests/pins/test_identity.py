"""Names under which results are found again: they change only on purpose, in a commit that says so.

A changed trial key makes everybody train again, a changed stream gives everybody other numbers.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ganbench.core.streams import stream
from ganbench.suite.plan import Plan, make_plan
from ganbench.suite.schema import read_suite
from tests.engine import suite_hash

SUITE = """
name: pinned
datasets: [ring]
networks: [mlp: {latent: 4, width: 16}]
losses: [hinge]
tricks: [r1: {gamma: 0.5}]
optimizers: [adam: {lr: 1e-3}]
seeds: [0, 1]
steps: 100
batch: 32
log_every: 10
evaluate: {every: 50, samples: 200, metrics: [modes, fid]}
diagnostics: [gradients, losses]
"""


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    path = tmp_path / "pinned.yaml"
    path.write_text(SUITE)
    return make_plan(read_suite(path))


def test_the_key_of_a_trial(plan):
    assert plan.trials[0].key == "8940d2f7adfd52a1a95f7cf24d5a57147ba6c3d51ac5482a0e84c53a74416ab7"


def test_the_name_of_a_run(plan):
    assert plan.run_id == "65ca055079"


def test_the_hash_of_a_suite(plan):
    assert suite_hash(plan) == "f13eb5c25ad9bf4de577ac579d3a60790a57c6e8aa1407c00b511938abd391f2"


def test_the_seed_of_a_stream():
    assert stream(3, "latent") == 7079314357577441623
