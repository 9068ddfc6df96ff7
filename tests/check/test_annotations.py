"""Annotations of a pull request: on which line of the suite they are, and what they may hold."""

from __future__ import annotations

from pathlib import Path

from ganbench.analysis.comparison_results import Comparison, compare_results
from ganbench.analysis.comparison_rows import Outcome, Row
from ganbench.analysis.comparison_rules import Rules
from ganbench.check import baselines
from ganbench.check.outputs import github_annotations, suite_places
from ganbench.cli.options import plan_of
from ganbench.tables.results import load
from tests.check.gate import change, without_modes


def test_annotations_are_on_the_line_of_the_loss(here, capsys):
    change(without_modes)
    # Going on from the parts would mend the table, so this takes the functions that the command uses.
    old = baselines.find("main", Path("results/baselines"))
    comparison = compare_results(old.results, load("results/small"), Rules(metrics=("fid",)), old.fingerprints)
    lines = github_annotations(comparison, suite_places(plan_of(Path("small.yaml"), (), None, False), None))
    assert [line.split(",title")[0] for line in lines] == [f"::error file=small.yaml,line={n}" for n in (4, 5)]


def test_annotations_are_on_the_line_of_the_block_and_from_the_root_of_the_repository(here, monkeypatch):
    suite = """\
datasets: [ring]
losses:
  - hinge
include:
  - steps: 100
    losses:
      - minimax
      - hinge
  - steps: 200
"""
    (here / "deep").mkdir()
    (here / "deep" / "blocks.yaml").write_text(suite)
    monkeypatch.chdir(here / "deep")
    plan = plan_of(Path("blocks.yaml"), (), None, False)
    places = suite_places(plan, str(here))
    lines = {(t.steps, t.loss.name): places[t.key[:12]] for t in plan.trials}
    file = Path("deep/blocks.yaml")
    assert lines == {
        (4000, "hinge"): (file, 3),
        (100, "minimax"): (file, 7),
        (100, "hinge"): (file, 8),
        (200, "hinge"): (file, 9),  # which has its losses from above: the block's own line
    }
    for elsewhere in (str(here / "elsewhere"), None):
        assert {file for file, _ in suite_places(plan, elsewhere).values()} == {Path("blocks.yaml")}


def test_annotations_hold_nothing_that_ends_a_command():
    bad = "a\nb\r\n::error::c,d:e%0A\u2028f"
    row = Row("t", bad, "fid", "1", "lower", Outcome.WORSE, bad)
    where = Path("s,u:i\nte%.yaml")
    line = github_annotations(Comparison((row,), Rules(), (), ()), {"t": (where, 3)})[0]
    assert len(line.splitlines()) == 1
    properties, _, message = line.removeprefix("::error ").partition("::")
    assert properties == "file=s%2Cu%3Ai te%25.yaml,line=3,title=fid worse"
    assert message.count("%") == message.count("%25") == 2
