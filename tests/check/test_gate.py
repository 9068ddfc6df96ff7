"""The gate on real small runs: what it trains, what it says, and its exit codes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from ganbench.cli.main import main
from ganbench.core.trial import Trial
from ganbench.tables.results import load
from tests.check.gate import SUITE, change, without_modes
from tests.helpers.present import present
from tests.helpers.sealed import reseal


def test_equal_runs_pass_at_once(here, capsys, no_training):
    assert main(["check", "results/small", "--baseline", "main"]) == 0
    assert "equal to the last bit" in capsys.readouterr().out


def test_a_suite_is_trained_and_equal(here, capsys):
    shutil.rmtree(here / "results" / "small")
    assert main(["check", "small.yaml", "--baseline", "main", "--executor", "local"]) == 0
    assert "no regression: all 12 comparisons are equal to the last bit" in capsys.readouterr().out


def test_a_baseline_is_small_and_names_itself(here, capsys):
    assert main(["baseline", "save", "results/small"]) == 0
    name = capsys.readouterr().out.split("/")[-1].strip()
    assert name.startswith("small-")
    assert sum(f.stat().st_size for f in (here / "results/baselines/main").iterdir()) < 60_000
    assert main(["check", "results/small"]) == 0
    assert main(["baseline", "save", "results/small"]) == 2
    assert "--replace" in capsys.readouterr().err
    assert main(["baseline", "save", "results/small", "--replace"]) == 0
    capsys.readouterr()
    assert main(["baseline", "list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["name", "main", name]
    hidden = {path.name for path in (here / "results/baselines").glob(".*")}
    assert hidden == {".gitattributes", ".gitignore", ".lock"}


def test_what_differs_stands_first_and_what_is_let_through_is_said(here, capsys):
    (here / "longer.yaml").write_text(SUITE.replace("steps: 20", "steps: 30"))
    assert main(["run", "longer.yaml", "--executor", "local"]) == 0
    capsys.readouterr()
    assert main(["compare", "main", "results/longer", "--json"]) == 0
    text = capsys.readouterr().out
    data = json.loads(text[text.index("{\n") :])
    assert list(data).index("differs") < list(data).index("rows")
    assert {"kind": "suite", "name": "steps", "baseline": "20", "now": "30"} in data["differs"]
    undecided = [row for row in data["rows"] if row["outcome"] == "undecided"]
    assert undecided and "let through" in data["verdict"]
    assert all(row["bound"] > 0 for row in undecided if row["metric"] in ("modes_captured", "hq_fraction", "diverged"))
    assert main(["compare", "main", "results/longer"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("what differs") and any(line.startswith("undecided") for line in lines)


def test_a_margin_asks_for_proof_and_a_worst_value_makes_one_possible(here, capsys):
    change(lambda runs: runs.assign(fid=runs["fid"] * (1 + 1e-4 * (runs["seed"] % 2 * 2 - 1).astype(float))))
    arguments = ["check", "results/small", "--baseline", "main", "--metric", "fid"]
    assert main(arguments) == 0
    assert "are let through" in capsys.readouterr().out
    assert main([*arguments, "--margin", "fid=3"]) == 4
    assert "--worst fid=NUMBER" in capsys.readouterr().out
    assert main([*arguments, "--margin", "fid=3", "--worst", "fid=5"]) == 0
    assert "equivalent" in capsys.readouterr().out
    assert main([*arguments, "--worst", "fidd=5"]) == 2


def test_a_regression(here, capsys, monkeypatch):
    change(without_modes)
    summary = here / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    arguments = ["check", "results/small", "--baseline", "main", "--metric", "fid", "--junit-xml", "j.xml"]
    assert main([*arguments, "--json", "--github"]) == 1
    out, err = capsys.readouterr()
    data = json.loads(out)
    assert data["exit_code"] == 1
    assert {(row["metric"], row["outcome"]) for row in data["rows"]} == {("fid", "worse")}
    assert all(line.startswith("::error title=fid worse::ring") for line in err.splitlines())
    assert summary.read_text().startswith("before\n### small against main")
    cases = Xml.parse("j.xml").getroot().findall(".//testcase")
    assert [case.get("name") for case in cases] == ["fid", "fid"]
    assert all(case.find("failure") is not None for case in cases)
    assert main([*arguments, "--markdown"]) == 1
    assert "| ❌ worse |" in capsys.readouterr().out
    assert main(["compare", "main", "results/small"]) == 0
    assert "regression: " in capsys.readouterr().out


def test_nan_and_a_missing_metric_are_regressions(here, capsys):
    change(lambda runs: runs.assign(fid=float("nan")))
    assert main(["check", "results/small", "--baseline", "main"]) == 1
    assert "although they did not diverge" in capsys.readouterr().out
    change(lambda runs: runs.drop(columns=["fid", "fid_floor"]))
    assert main(["check", "results/small", "--baseline", "main"]) == 1
    assert "the metric is missing" in capsys.readouterr().out


def test_failed_and_missing_trials_are_incomplete(here, capsys):
    change(lambda runs: runs[runs["loss"] != "hinge"])
    assert main(["check", "results/small", "--baseline", "main"]) == 4
    assert "the trial is missing" in capsys.readouterr().out
    assert main(["baseline", "save", "results/small", "--as", "half"]) == 4
    assert "1 trial has no results" in capsys.readouterr().err
    hostile = "</td><script>\x1b[31m|\n::error::x"
    change(lambda runs: runs.assign(status="FAILED", error=hostile))
    assert main(["check", "results/small", "--baseline", "main", "--markdown", "--github", "--junit-xml", "j.xml"]) == 4
    out, err = capsys.readouterr()
    assert "<script>" not in out and "\x1b" not in out + err
    assert all(line.startswith("::error title=") for line in err.splitlines())
    assert Xml.parse("j.xml").getroot().get("errors") == "2"


def test_too_few_seeds_are_no_pass(here, capsys):
    suite = SUITE.replace("seeds: 8", "seeds: 3").replace("  - hinge\n", "")
    (here / "few.yaml").write_text(suite)
    assert main(["run", "few.yaml", "--executor", "local"]) == 0
    assert main(["baseline", "save", "results/few", "--as", "few"]) == 0
    change(lambda runs: runs.assign(fid=9.0), "results/few")
    capsys.readouterr()
    assert main(["check", "results/few", "--baseline", "few", "--alpha", "0.05"]) == 4
    assert "3 and 3 runs reach p 0.05 at best" in capsys.readouterr().out


def test_what_cannot_be_compared_is_said_before_training(here, capsys, no_training, monkeypatch):
    shutil.rmtree(here / "results" / "small")
    assert main(["check", "small.yaml", "--baseline", "mian"]) == 3
    assert "did you mean 'main'" in capsys.readouterr().err
    assert main(["check", "small.yaml"]) == 3
    capsys.readouterr()
    (here / "small.yaml").write_text(SUITE.replace("steps: 20", "steps: 30"))
    assert main(["check", "small.yaml", "--baseline", "main"]) == 3
    assert "not the suite of the baseline" in capsys.readouterr().err
    (here / "small.yaml").write_text(SUITE)
    versions = present(Trial.versions.fget)
    newer = property(lambda trial: {**versions(trial), "extractor:coordinates": 99})
    monkeypatch.setattr(Trial, "versions", newer)
    assert main(["check", "small.yaml", "--baseline", "main"]) == 3
    assert "extractor:coordinates (now 99, baseline 1)" in capsys.readouterr().err


def test_a_description_may_change(here, capsys):
    (here / "small.yaml").write_text("description: other words\n" + SUITE)
    assert main(["check", "small.yaml", "--baseline", "main", "--executor", "local"]) == 0


def test_other_hardware_is_noted(here, capsys, no_training):
    path = here / "results/baselines/main/manifest.json"
    about = json.loads(path.read_text())
    about["environment"]["torch"] = "1.0"
    reseal(path.parent, **about)
    assert main(["check", "results/small", "--baseline", "main"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if "torch" in line)
    assert line.split()[:3] == ["environment", "torch", "1.0"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--alpha", "0"],
        ["--alpha", "nan"],
        ["--tolerance", "fid"],
        ["--margin", "fid=-1"],
        ["--metric", "fidd"],
        ["--tolerance", "fidd=1"],
    ],
)
def test_usage(here, capsys, no_training, arguments):
    assert main(["check", "small.yaml", "--baseline", "main", *arguments]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("name", ["../up", ".hidden", "a/b", "", "-x", "x" * 101, "a\nb"])
def test_hostile_names(here, capsys, name):
    before = sorted(p.name for p in here.rglob("*"))
    if name:  # an empty one is the default name
        assert main(["baseline", "save", "results/small", f"--as={name}"]) == 2
        assert sorted(p.name for p in here.rglob("*")) == before
    assert main(["check", "results/small", f"--baseline={name}/no"]) == 3


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"run": 1, "suite_hash": [], "components": 3}'])
def test_broken_baselines_are_incomparable(here, capsys, content):
    (here / "results/baselines/main/manifest.json").write_text(content)
    assert main(["check", "results/small", "--baseline", "main"]) == 3
    (here / "results/baselines/main/runs.parquet").write_bytes(b"PAR1")
    assert main(["check", "results/small", "--baseline", "main"]) == 3
    assert main(["baseline", "list"]) == 0


def test_any_run_may_stand_for_a_baseline(here, capsys, no_training):
    assert main(["check", "results/small", "--baseline", "results/small"]) == 0
    shutil.copytree(load("results/small").path, here / "elsewhere")
    assert main(["compare", "elsewhere", "results/small", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.split("last bit\n", 1)[1])["identical"]


def test_forged_fingerprints_are_no_pass(here, capsys):
    path = here / "results/baselines/main/manifest.json"
    about = json.loads(path.read_text())
    about["baseline"]["fingerprints"] = "yes"
    reseal(path.parent, **about)
    assert main(["check", "results/small", "--baseline", "main", "--json"]) == 0
    assert not json.loads(capsys.readouterr().out)["identical"]


def test_a_file_that_cannot_be_written_is_said_before_training(here, capsys, no_training):
    shutil.rmtree(here / "results" / "small")
    assert (
        main(["check", "small.yaml", "--executor", "local", "--baseline", "main", "--junit-xml", "no/such/j.xml"]) == 2
    )
    assert "no/such/j.xml: cannot be written" in capsys.readouterr().err


def test_a_least_number_of_seeds(here, capsys, no_training):
    change(lambda runs: runs.assign(fid=runs["fid"] * 1.0001))
    assert main(["check", "results/small", "--baseline", "main"]) == 0
    assert main(["check", "results/small", "--baseline", "main", "--seeds", "fid=16"]) == 4
    assert "16 are asked for" in capsys.readouterr().out


def test_three_runs_are_each_held_against_the_first(here, capsys, no_training):
    for name in ("b", "c"):
        shutil.copytree(load("results/small").path, here / name)
    change(lambda runs: runs.assign(fid=runs["fid"] + 9), "c")
    assert main(["compare", "main", "b", "c", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    worse = {row["name"].split(" · ")[0] for row in rows if row["outcome"] == "worse"}
    assert worse == {"c"}
    alone = json.loads((main(["compare", "main", "c", "--json"]), capsys.readouterr().out)[1])["rows"]
    assert len(rows) == 2 * len(alone)


def test_a_monitored_run_has_no_suite_to_check(here, capsys):
    reseal(load("results/small").path, monitor={})
    assert main(["check", "results/small", "--baseline", "main"]) == 3
    assert "the run is one monitored run" in capsys.readouterr().err


def test_other_weights_are_said_before_training(here, capsys, no_training, monkeypatch):
    from ganbench.extractors.coordinates import Coordinates

    change(lambda runs: runs.assign(extractor="coordinates aaaa"), "results/baselines/main")
    monkeypatch.setattr(Coordinates, "weights_hash", lambda self: "bbbb", raising=False)
    shutil.rmtree(here / "results" / "small")
    assert main(["check", "small.yaml", "--baseline", "main", "--executor", "local"]) == 3
    assert "judged by coordinates aaaa, and the weights are now those of coordinates bbbb" in capsys.readouterr().err


def test_a_suite_of_settings(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    vary = "vary: {settings: 3, space: {optimizer.lr: {log_uniform: [1e-4, 1e-2]}}, confirm: {top: 1, seeds: 2}}"
    Path("varied.yaml").write_text(f"{SUITE}{vary}\n")
    local = ["--executor", "local"]
    assert main(["run", "varied.yaml", *local]) == 0
    assert main(["baseline", "save", "results/varied", "--as", "main"]) == 0
    capsys.readouterr()
    assert main(["check", "varied.yaml", "--baseline", "main", *local]) == 0
    out = capsys.readouterr().out
    assert "nothing differs between the sides" in out and "equal to the last bit" in out  # the best ones, too
    assert main(["check", "varied.yaml", "--baseline", "main", *local, "--sequential"]) == 2
    assert "--sequential takes no suite with `vary`" in capsys.readouterr().err
