"""`ganbench check --sequential`: which seeds it trains, and where it stops."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest

from ganbench.cli.main import main
from ganbench.tables import schema
from ganbench.tables.results import load
from tests.check.gate import SUITE
from tests.engine import Trainer
from tests.helpers.sealed import reseal


def better_hinge(here):
    """Make the baseline of hinge better than anything that trains now; the other trial stays equal to the last bit."""
    path = here / "results/baselines/main/runs.parquet"
    table = schema.read(path.read_bytes(), "runs")
    columns = schema.declarations("runs", table.schema)
    runs = schema.to_pandas(table)
    runs.loc[runs["loss"] == "hinge", "fid"] = 0.001
    pq.write_table(schema.to_arrow("runs", runs, columns), path)
    about = json.loads((path.parent / "manifest.json").read_text())
    other = set(runs.loc[runs["loss"] == "hinge", "trial"])
    about["baseline"]["runs"] = {k: v for k, v in about["baseline"]["runs"].items() if k.split("-")[0] not in other}
    reseal(path.parent, **about)


def trained_seeds(monkeypatch):
    """Return the list that every trainer's seeds will be put into."""
    seen, start = [], Trainer.__init__

    def init(self, trial, *rest, **more):
        seen.append((trial.loss.name, trial.seeds))
        start(self, trial, *rest, **more)

    monkeypatch.setattr(Trainer, "__init__", init)
    return seen


def test_sequential_stops_at_equal_bits(here, capsys, monkeypatch):
    # Batches are a multiple of 32, so that three seeds give the bits that they gave among eight.
    seen = trained_seeds(monkeypatch)
    arguments = ["check", "small.yaml", "--baseline", "main", "--executor", "local", "--sequential", "--json"]
    assert main(arguments) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["identical"] and set(found["seeds"].values()) == {3}
    assert sorted(seen) == [("hinge", (0, 1, 2)), ("non_saturating", (0, 1, 2))]
    assert main(arguments) == 0
    assert len(seen) == 2  # the parts are there


def test_sequential_goes_on_only_with_what_is_undecided(here, capsys, monkeypatch):
    better_hinge(here)
    seen = trained_seeds(monkeypatch)
    # Six tests of 8 against 6 runs reach 6/3003 at best: an early look's tenth of 0.05, not of 0.01.
    more = ["--executor", "local", "--sequential", "--alpha", "0.05"]
    assert main(["check", "small.yaml", "--baseline", "main", *more]) == 1
    assert [seeds for loss, seeds in seen if loss == "non_saturating"] == [(0, 1, 2)]
    hinge = [seeds for loss, seeds in seen if loss == "hinge"]
    assert hinge[:2] == [(0, 1, 2), (3,)] and sum(map(len, hinge)) < 8
    captured = capsys.readouterr()
    assert "worse" in captured.out and "1 of 2 trials are decided with 3 seeds" in captured.err


def test_a_sequential_check_leaves_one_run_with_all_its_seeds(here, capsys):
    better_hinge(here)
    more = ["--executor", "local", "--sequential", "--alpha", "0.05", "--results", "fresh", "--json"]
    assert main(["check", "small.yaml", "--baseline", "main", *more]) == 1
    seeds = json.loads(capsys.readouterr().out)["seeds"]
    assert len(set(seeds.values())) == 2
    found = load("fresh/small").runs
    counts = {loss: sorted(rows["seed"]) for loss, rows in found.groupby("loss")}
    assert counts["non_saturating"] == list(range(3)) and counts["hinge"] == list(range(max(seeds.values())))


@pytest.mark.parametrize("search", ["{searcher: optuna}", "{scheduler: asha}"])
def test_a_search_that_makes_its_trials_up_is_refused_in_one_line(here, capsys, no_training, search):
    words = search.strip("{}")
    tail = f"search: {{metric: fid, trials: 4, {words}, space: {{optimizer.lr: {{log_uniform: [1e-4, 1e-2]}}}}}}\n"
    (here / "small.yaml").write_text(SUITE + tail)
    assert main(["check", "small.yaml", "--baseline", "main"]) == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1 and told[0].startswith("ganbench: small.yaml:") and "check the folder of a run" in told[0]


def test_sequential_needs_a_suite(here, capsys, no_training):
    assert main(["check", "results/small", "--baseline", "main", "--sequential"]) == 2
    assert "give a suite" in capsys.readouterr().err
