"""The story of `ganbench demo` does not depend on its seeds: every ring is lost, and every one is cured."""

import pytest

import ganbench
from ganbench.suite.plan import make_plan
from ganbench.suite.schema import read_suite
from tests.engine import run_plan
from tests.helpers import ROOT

SEEDS = list(range(2000, 2008))  # nothing was chosen on them


@pytest.mark.verify
def test_every_seed_tells_the_same_story(tmp_path):
    text = (ROOT / "suites/demo.yaml").read_text()
    assert "seeds: 4" in text
    (tmp_path / "demo.yaml").write_text(text.replace("seeds: 4", f"seeds: {SEEDS}"))
    outcome = run_plan(make_plan(read_suite(tmp_path / "demo.yaml")), tmp_path / "results", executor="local")
    runs = ganbench.load(outcome.folder).runs
    assert len(runs) == 2 * len(SEEDS)
    lost, cured = (runs.loc[runs["tricks"] == tricks] for tricks in ("none", "r1(gamma=0.1)"))
    assert set(lost["verdict"]) <= {"total collapse", "partial collapse"} and set(lost["modes_captured"]) <= {1, 2}
    assert set(cured["verdict"]) == {"healthy"} and set(cured["modes_captured"]) == {8}
